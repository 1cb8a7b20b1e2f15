import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Instant, Priority, Timer } from 'sluice'
import { unwatchDeparture, watchDeparture, type Leaver } from 'sluice/http'
import type { Dialect, NativeRefusal } from 'sluice/llm'
import { dismissBody, type UpstreamCall, type UpstreamFailure, type UpstreamReceiver } from '../proxy/index.ts'
import { headersByName } from './answer-head.ts'
import type { AnswerCopy } from './answer-copy.ts'
import { Answer } from './answer.ts'
import { CallBody } from './call-body.ts'
import { CallMeter } from './call-meter.ts'
import type { CallSite, Ended, Phase } from './call-site.ts'
import { GatheredError } from './gathered-error.ts'
import { Hold } from './hold.ts'
import type { Asker, CallSize, LineRefusal, Turn } from './line.ts'
import type { Inflow } from './outflow.ts'
import { Reply, type Head } from './reply.ts'
import { Upload, type Uploaded } from './upload.ts'

/** One call of a model: its body, its turn, its attempts and its answer, until its client has all of it or has left. */
export class LlmCall implements Asker, UpstreamReceiver, Inflow, Leaver {
  readonly tenant: string
  readonly priority: Priority
  expires: Instant = 0
  readonly #site: CallSite
  readonly #dialect: Dialect
  readonly #req: IncomingMessage
  readonly #res: ServerResponse
  readonly #socket: Socket
  readonly #since: Instant
  readonly #hold: Hold
  readonly #reply: Reply
  readonly #meter: CallMeter
  #phase: Phase = 'upload'
  #upload: Upload | undefined
  #body: CallBody | undefined
  #turn: Turn | undefined
  #call: UpstreamCall | undefined
  #attempt = 0
  #gathered: GatheredError | undefined
  #answer: Answer | undefined
  #copy: AnswerCopy | undefined
  #holdTimer: Timer | undefined

  constructor(site: CallSite, dialect: Dialect, req: IncomingMessage, res: ServerResponse) {
    this.#site = site
    this.#dialect = dialect
    this.#req = req
    this.#res = res
    this.#socket = req.socket
    this.#since = site.clock.now()
    const { tenant, priority } = site.whoOf(req)
    this.tenant = tenant
    this.priority = priority
    this.#hold = new Hold(site, this)
    this.#reply = new Reply(site, dialect, req, res)
    this.#meter = new CallMeter(site.meter, site.clock, this.#since)
    // A connection that breaks while an answer is being written is told by its closing; nothing else may come of it.
    res.on('error', ignore)
  }

  get size(): CallSize {
    return this.#body?.size ?? UNREAD
  }

  /** Cheap things first: nothing is read of a body there is no room for. */
  begin(): void {
    const { config, clock } = this.#site
    if (this.#socket.destroyed) return this.left()
    watchDeparture(this.#socket, this)
    const declared = Number(this.#req.headers['content-length'] ?? 0)
    if (declared > config.maxBody) return this.#tooLarge()
    if (!this.#hold.tryTake(1, declared, 0) && !this.#hold.tryDetour()) return this.#noRoom()
    this.#upload = new Upload(this.#req, {
      most: config.maxBody,
      timeout: config.readTimeout,
      clock,
      grew: (bytes) =>
        this.#hold.isDetour || bytes <= this.#hold.bytes || this.#hold.tryTake(0, bytes - this.#hold.bytes, 0),
      done: (uploaded) => this.#uploaded(uploaded),
    })
  }

  #uploaded(uploaded: Uploaded): void {
    this.#upload = undefined
    if (uploaded === 'too-large') return this.#tooLarge()
    if (uploaded === 'late') return this.#refuse({ is: 'request', status: 408, message: TOO_LATE })
    const { config, estimator, clock } = this.#site
    this.#body = new CallBody(uploaded, this.#dialect, estimator, config.usage === 'inject')
    if (!this.size.stream) this.#copy = this.#site.copyOf(this.#req, this, uploaded)
    // By now there may be room after all.
    if (this.#hold.isDetour && !this.#hold.tryTake(1, uploaded.length, 0)) return this.#noRoom()
    this.#hold.endDetour()
    const patience = this.#site.patienceOf(this.#req)
    this.expires = clock.now() + patience
    this.#phase = 'waiting'
    const { input, maxOutput = config.maxOutput } = this.size
    const tokens = input + Math.min(maxOutput, config.maxOutput)
    if (!this.#hold.tryTake(0, 0, tokens)) return this.refused(this.#site.full(this, 'too many tokens are waiting'))
    const expected = this.#site.line.expected(this)
    if (expected !== undefined && expected > patience)
      return this.refused({ ...this.#site.full(this, `it would wait for ${Math.ceil(expected)} ms`), is: 'late' })
    this.#wait(undefined)
  }

  #noRoom(): void {
    this.refused(this.#site.full(this, 'the queue is full'))
  }

  #wait(after: Turn | undefined): void {
    const { line, clock, config } = this.#site
    line.enter(this, after)
    if (this.#phase !== 'waiting' || !this.size.stream || this.#holdTimer !== undefined) return
    const left = Math.max(0, this.#since + config.queue.hold - clock.now())
    this.#holdTimer = clock.after(left, () => this.#beginEarly(), { background: true })
  }

  #beginEarly(): void {
    if (this.#phase === 'waiting' || this.#phase === 'asked') this.#reply.beginEarly()
  }

  granted(turn: Turn): void {
    if (this.#phase === 'over') return turn.end({ input: 0, output: 0 }, 'left')
    this.#hold.begun()
    this.#turn = turn
    this.#phase = 'asked'
    const attempt = ++this.#attempt
    if (attempt === 1 && turn.expected !== undefined) this.#site.meter.letIn(this.priority, turn.waited)
    const call = turn.upstream.send(this.#site.requestOf(this.#req, this.#body!), this)
    // It may have failed already, and even have been tried again.
    if (attempt === this.#attempt && this.#turn === turn) this.#call = call
  }

  refused(refusal: LineRefusal): void {
    if (this.#phase === 'over') return
    const another =
      this.#body === undefined ? undefined : this.#site.overflow(refusal, this.#req, this.#res, this.#copy)
    if (another === 'answered') return this.#finish({ status: this.#res.statusCode })
    if (another !== undefined) return this.granted(another)
    this.#site.counts.refused[refusal.is]++
    this.#refuse(this.#site.inWords(refusal))
  }

  head(status: number, reason: string, raw: readonly string[]): void {
    if (status >= 400) this.#gathered = new GatheredError(status, reason, raw)
    else this.#commit({ status, reason, raw })
  }

  data(chunk: Uint8Array): void {
    if (this.#gathered !== undefined) return this.#gather(this.#gathered, chunk)
    const answer = this.#answer!
    const turn = this.#turn
    this.#reply.stop()
    answer.write(chunk)
    this.#copy?.add(chunk)
    if (turn === undefined || !answer.isStream) return
    const { pieces, produced } = answer
    this.#meter.streamed(pieces, produced)
    if (pieces > 0) turn.began()
    turn.produced(produced)
  }

  #gather(gathered: GatheredError, chunk: Uint8Array): void {
    if (gathered.add(chunk)) return
    // No error is that long.
    this.#gathered = undefined
    this.#commit(gathered)
    this.data(gathered.body)
  }

  end(): void {
    const gathered = this.#gathered
    if (gathered !== undefined) return this.#judge(gathered)
    const answer = this.#answer!
    answer.flush()
    this.#copy?.keep()
    this.#settle('done')
    this.#finish({ status: this.#res.statusCode })
    answer.close()
    dismissBody(this.#req)
  }

  failed({ code, message }: UpstreamFailure): void {
    if (this.#phase === 'over') return
    if (this.#answer !== undefined) {
      const { isStream, isMidLine } = this.#answer
      this.#answer.begin()
      this.#settle('left')
      this.#finish({ failure: code })
      return this.#reply.breakOff(message, isStream && !isMidLine)
    }
    this.#gathered = undefined
    const turn = this.#turn!
    const verdict = turn.failed({ status: 0 })
    this.#site.meter.refusedBy(verdict.is, 0)
    const isUnsent = code === 'UPSTREAM_UNREACHABLE' && this.#attempt < this.#site.serverCount
    if (code !== 'BAD_REQUEST' && verdict.retry && (isUnsent || this.#site.triesAgain(verdict.is, this.#attempt)))
      return this.#again(turn)
    this.#turn = undefined
    const status = code === 'BAD_REQUEST' ? 400 : code === 'UPSTREAM_TIMEOUT' ? 504 : 502
    this.#refuse({ is: 'fault', status, message, ...(status !== 400 && { delay: 1000 }) }, { failure: code })
  }

  /** The client has left. */
  left(): void {
    if (this.#phase === 'over') return
    this.#site.counts.departed[this.#phase]++
    this.#cancel()
  }

  pause(): void {
    this.#call?.pause()
  }

  resume(): void {
    this.#call?.resume()
  }

  stalled(): void {
    if (this.#phase === 'over') return
    this.#site.counts.stalled++
    this.#cancel()
    // What waits for it would never be read: a reset tells it now, and frees it.
    this.#socket.resetAndDestroy()
  }

  /** Its head waits no longer for data that come along with it. */
  flush(): void {
    if (this.#phase === 'answering') this.#answer!.begin()
  }

  /** Ends whatever is under way for it. */
  #cancel(): void {
    this.#upload?.stop()
    if (this.#phase === 'waiting') this.#site.line.leave(this)
    this.#call?.abort()
    this.#settle('left')
    this.#finish('departed')
  }

  #commit(head: Head): void {
    const { reader, clock, counts } = this.#site
    this.#phase = 'answering'
    this.#body!.sent()
    this.#hold.release()
    if (head.status < 400) this.#turn?.heard(head.raw)
    const hidesUsage = this.#body!.asksForUsage
    this.#answer = new Answer({ res: this.#res, raw: head.raw, reader, clock, inflow: this, hidesUsage })
    counts.admitted++
    this.#copy?.begin(head)
    this.#reply.begin(head, this.#turn?.waited ?? 0)
    process.nextTick(flushHead, this)
  }

  /** An error of the upstream, all of it: another attempt, or the client's. */
  #judge(gathered: GatheredError): void {
    this.#gathered = undefined
    const { status, raw, body } = gathered
    const turn = this.#turn!
    const verdict = turn.failed({ status, headers: headersByName(raw), body: body.toString() })
    this.#site.meter.refusedBy(verdict.is, status)
    if (verdict.retry && this.#site.triesAgain(verdict.is, this.#attempt)) return this.#again(turn)
    this.#turn = undefined
    this.#finish({ status })
    this.#reply.passError(gathered, body)
  }

  #again(turn: Turn): void {
    this.#site.counts.retried++
    this.#turn = undefined
    this.#call = undefined
    this.#phase = 'waiting'
    this.#hold.waitsAgain()
    this.#wait(turn)
  }

  #settle(how: 'done' | 'left'): void {
    const { estimator } = this.#site
    const turn = this.#turn
    this.#turn = undefined
    const usage = this.#answer?.end(estimator, this.size.model)
    if (usage?.input !== undefined) this.#body?.learn(estimator, usage.input)
    if (turn === undefined) return
    this.#meter.ended(this.size, usage, turn.expected, how === 'done')
    // Of one that left before its first token nothing was answered; whether its prompt counts says the provider.
    turn.end(usage ?? (how === 'left' ? { output: 0 } : undefined), how)
  }

  #tooLarge(): void {
    const message = `The request is larger than ${this.#site.config.maxBody} bytes.`
    this.#refuse({ is: 'never', status: 413, budget: 'tokens', message, mayRetry: false })
  }

  #refuse(refusal: NativeRefusal, ending?: Ended): void {
    this.#upload?.stop()
    this.#finish(ending ?? { status: refusal.status! })
    this.#reply.refuse(refusal)
  }

  #finish(ending: Ended): void {
    this.#phase = 'over'
    this.#holdTimer?.cancel()
    this.#reply.stop()
    this.#answer?.stop()
    this.#copy?.drop()
    this.#hold.release()
    unwatchDeparture(this.#socket, this)
    this.#site.ended(ending)
  }
}

const UNREAD: CallSize = { model: '', input: 0, maxOutput: undefined, stream: false }
const TOO_LATE = 'The body of the request did not come in time.'
const ignore = (): void => {}

function flushHead(call: LlmCall): void {
  call.flush()
}
