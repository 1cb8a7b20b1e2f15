import { systemClock, type Instant, type Millis } from 'sluice'
import { H2Call, type H2Switchboard } from './h2-call.ts'
import { h2Request } from './h2-head.ts'
import { H2Session, type H2Keeper } from './h2-session.ts'
import { patienceOf, TICK, type Patience } from './patience.ts'
import { rawUpstream, type RawUpstreamOptions } from './raw-upstream.ts'
import { targetOf, type Target } from './target.ts'
import { BUSY, SHUT } from './upstream-failure.ts'
import { NO_CALL, type Upstream, type UpstreamCall, type UpstreamReceiver, type UpstreamRequest } from './upstream.ts'

/** How long an idle session is kept, in ms. */
const IDLE: Millis = 60_000
/** For how long whoever chose HTTP/1.1 is not asked again, in ms. */
const CHOSEN: Millis = 60_000
/** Streams that a session is expected to allow as long as none has said how many. */
const USUAL = 100

/**
 * The upstream over node:http2: many requests at a time on one connection, which is chosen by ALPN behind TLS, and begun
 * with right away (prior knowledge) where there is none. Nothing is sent before the other side has shown by its settings
 * that it speaks HTTP/2, and never more streams than it allows: another connection is made instead. Whoever chooses
 * HTTP/1.1 gets that.
 *
 * Sent once more is what the other side says it did not begin (REFUSED_STREAM) as long as no more than 256 KiB of its body
 * went out, and an idempotent request without a body whose session died before it was answered, but had answered others.
 * What came too late for a session that was being ended (GOAWAY) is sent again up to five times.
 */
export function h2Upstream(options: RawUpstreamOptions): Upstream {
  return new H2Upstream(options)
}

class H2Upstream implements Upstream, H2Keeper, H2Switchboard {
  readonly target: Target
  readonly patience: Patience
  tick = 0
  readonly #options: RawUpstreamOptions
  readonly #host: string
  readonly #most: number
  readonly #sessions = new Set<H2Session>()
  /** Calls for which there is no session. */
  readonly #waiting = new Set<H2Call>()
  #http1: Upstream | undefined
  #http1Until: Instant = -Infinity
  #usual = USUAL
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(options: RawUpstreamOptions) {
    const { origin, ca, lookup, connections = 10_000 } = options
    this.#options = options
    this.target = targetOf(origin, ca, lookup)
    this.patience = patienceOf(options)
    this.#host = origin.host
    this.#most = connections
  }

  send(request: UpstreamRequest, receiver: UpstreamReceiver): UpstreamCall {
    if (this.#http1 !== undefined && systemClock.now() < this.#http1Until) return this.#http1.send(request, receiver)
    const head = h2Request(request, this.target.secure ? 'https' : 'http', this.#host)
    if (typeof head === 'string') {
      receiver.failed({ code: 'BAD_REQUEST', message: `the request cannot be passed on: ${head}` })
      return NO_CALL
    }
    const call = new H2Call(request, head, receiver, this)
    this.again(call)
    return call
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#timer)
    for (const call of this.#waiting) call.lost(SHUT)
    for (const session of this.#sessions) session.end(SHUT)
    await this.#http1?.close()
  }

  again(call: H2Call): void {
    if (this.#isClosed) return call.lost(SHUT)
    for (const session of this.#sessions) if (session.room > 0) return call.carry(session)
    this.#waiting.add(call)
    this.#open()
  }

  overHttp1(call: H2Call): void {
    this.#waiting.delete(call)
    if (this.#isClosed) return call.lost(SHUT)
    this.#http1 ??= rawUpstream(this.#options)
    call.handTo(this.#http1)
  }

  forget(call: H2Call): void {
    this.#waiting.delete(call)
  }

  changed(session: H2Session): void {
    if (session.allows !== undefined) this.#usual = session.allows
    for (const call of this.#waiting) {
      if (session.room === 0) break
      this.#waiting.delete(call)
      call.carry(session)
    }
    if (session.isIdle) session.idleUntil = this.tick + IDLE / TICK
    this.#open()
  }

  choseHttp1(session: H2Session): void {
    this.#http1Until = systemClock.now() + CHOSEN
    for (const call of this.#waiting) this.overHttp1(call)
    this.gone(session)
  }

  gone(session: H2Session): void {
    this.#sessions.delete(session)
    // One that could not be had is tried again with the next tick, or not at all where nobody else is left to wait for.
    if (session.allows !== undefined) this.#open()
    else if (this.#sessions.size === 0 && session.failure !== undefined)
      for (const call of this.#waiting) call.lost(session.failure)
    if (this.#sessions.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** Makes as many sessions as those who wait will fill. */
  #open(): void {
    if (this.#isClosed || this.#waiting.size === 0) return
    let coming = 0
    for (const { allows } of this.#sessions) if (allows === undefined) coming++
    for (; coming * this.#usual < this.#waiting.size && this.#sessions.size < this.#most; coming++) {
      this.#timer ??= setInterval(() => this.#look(), TICK).unref()
      this.#sessions.add(new H2Session(this))
    }
  }

  #look(): void {
    this.tick++
    for (const session of this.#sessions) session.check(this.tick)
    for (const call of this.#waiting) if (this.tick - call.since > this.patience.head) call.lost(BUSY)
    this.#open()
  }
}
