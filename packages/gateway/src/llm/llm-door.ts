import type { IncomingMessage, ServerResponse } from 'node:http'
import { systemClock, systemRandom, type Clock, type Instant, type Millis, type Priority, type Random } from 'sluice'
import { timeLeft } from 'sluice/http'
import {
  dialectOf,
  nativeBudgetHeaders,
  tokenEstimator,
  type Dialect,
  type HeaderField,
  type ModelStatus,
  type NativeRefusal,
  type RefusalClass,
} from 'sluice/llm'
import type { ResponseCache } from '../cache/index.ts'
import type { LlmConfig } from '../config/index.ts'
import {
  requestHeaders,
  VIA,
  type ForwardingRules,
  type Listener,
  type ProxyCounts,
  type Upstream,
  type UpstreamRequest,
} from '../proxy/index.ts'
import { AnswerCopy } from './answer-copy.ts'
import type { CallBody } from './call-body.ts'
import type { CallSite, Ended, LlmCounts } from './call-site.ts'
import { Holdings } from './holdings.ts'
import { InferenceQueue } from './inference-queue.ts'
import type { Asker, Line, LineRefusal, LineStatus, Turn } from './line.ts'
import { LlmCall } from './llm-call.ts'
import { LlmFigures, type LlmOverflowed } from './llm-figures.ts'
import type { LlmMeter } from './llm-meter.ts'
import type { ServerMember } from './model-server.ts'
import type { Overflow } from './overflow.ts'
import { refusalInWords } from './refusal-in-words.ts'

/** What an {@link LlmDoor} is made of. */
export interface LlmDoorParts {
  readonly config: LlmConfig
  /** The model servers, or how to reach the provider. */
  readonly members: readonly ServerMember[]
  /** The line before a provider. Default: the queue before model servers. */
  readonly line?: Line | undefined
  readonly overflow?: Overflow | undefined
  /** Takes calls for later, of those who say that this is enough. */
  readonly batch?: Overflow | undefined
  /** Where answers are kept, for `overflow.cached`. */
  readonly cache?: ResponseCache | undefined
  readonly rules: (peer: string | undefined) => ForwardingRules
  /** What is no call of a model: lists of models, files. */
  readonly others: Listener
  readonly whoOf: (req: IncomingMessage) => { readonly tenant: string; readonly priority: Priority }
  readonly counts: ProxyCounts
  /** Of the door before this one. Default: nothing has come yet. */
  readonly figures?: LlmFigures | undefined
  readonly clock?: Clock
  readonly random?: Random
}

/** How a door stands, for people and metrics. */
export interface LlmStatus extends LineStatus {
  readonly counts: LlmCounts
  /** Calls that wait, uploads included, and what they hold. */
  readonly held: { readonly count: number; readonly bytes: number; readonly tokens: number }
  readonly servers: readonly LlmServerStatus[]
  readonly overflowed: Readonly<LlmOverflowed>
  readonly dialect: LlmConfig['dialect']
  readonly meter: LlmMeter
  /** The limits of a provider, by model; none before model servers. */
  readonly models: readonly ModelStatus[]
}

/** How one model server stands. */
export interface LlmServerStatus {
  readonly name: string
  readonly inflight: number
  readonly tokens: number
  /** So many may wait for their first token; `Infinity` where nobody looks. */
  readonly firstTokens: number
}

const MINUTE: Millis = 60_000
/** It is looked so often whether the store of the limits is there. */
const LOOK: Millis = 250
/** Of RFC 7240: an answer that comes later will do. */
const RESPOND_ASYNC = /(?:^|[,\s])respond-async(?:$|[,;\s])/i

/** A door to language models: calls of them wait their turn and are passed on as they came; the rest is passed on. */
export class LlmDoor implements CallSite {
  readonly config: LlmConfig
  readonly clock: Clock
  readonly line: Line
  readonly holdings: Holdings
  readonly estimator: CallSite['estimator'] = tokenEstimator()
  readonly figures: LlmFigures
  readonly counts: LlmCounts
  readonly meter: LlmMeter
  readonly whoOf: CallSite['whoOf']
  readonly serverCount: number
  readonly #parts: LlmDoorParts
  readonly #queue: InferenceQueue | undefined
  readonly #random: Random
  #wasDegraded = false
  #looked: Instant = -Infinity

  constructor(parts: LlmDoorParts) {
    const { config, members, clock = systemClock, random = systemRandom } = parts
    this.#parts = parts
    this.config = config
    this.clock = clock
    this.#random = random
    this.figures = parts.figures ?? new LlmFigures(clock)
    this.counts = this.figures.counts
    this.meter = this.figures.meter
    this.holdings = new Holdings(config.queue, config.overflow?.count)
    this.whoOf = parts.whoOf
    this.serverCount = members.length
    if (parts.line === undefined) this.#queue = new InferenceQueue({ config, members, clock, random })
    this.line = parts.line ?? this.#queue!
  }

  readonly handle = (req: IncomingMessage, res: ServerResponse): void => {
    const dialect = req.method === 'POST' ? dialectOf(req.url ?? '') : undefined
    if (dialect === undefined) return this.#parts.others(req, res)
    this.counts.arrived++
    this.#parts.counts.active++
    if (this.#isDegraded) res.setHeader('sluice-degraded', `llm=${this.#parts.config.onDown ?? 'share'}`)
    new LlmCall(this, dialect, req, res).begin()
  }

  /** True while the policy decides about the limits, because their store is gone. */
  get #isDegraded(): boolean {
    if (this.#queue !== undefined) return false
    const now = this.clock.now()
    if (now - this.#looked >= LOOK) {
      this.#looked = now
      this.#wasDegraded = this.line.models().some(({ store }) => store === 'down')
    }
    return this.#wasDegraded
  }

  get status(): LlmStatus {
    const { count, bytes, tokens } = this.holdings
    return {
      ...this.line.status,
      counts: this.counts,
      held: { count, bytes, tokens },
      servers: (this.#queue?.servers ?? []).map((server, index) => ({
        name: server.member.name ?? String(index),
        inflight: server.inflight,
        tokens: server.tokens,
        firstTokens: server.prefillLimit,
      })),
      overflowed: { ...this.figures.overflowed },
      dialect: this.config.dialect,
      meter: this.meter,
      models: this.line.models(),
    }
  }

  /** True while somebody waits here or is served. */
  get isBusy(): boolean {
    return this.holdings.count > 0 || this.line.status.inflight > 0
  }

  get reader(): LlmConfig['slowReader'] {
    return this.config.slowReader
  }

  get mayRetry(): boolean {
    return this.config.retries.owner === 'client' && this.#queue !== undefined
  }

  patienceOf({ headers }: IncomingMessage): Millis {
    const told = timeLeft((name) => {
      const value = headers[name]
      return typeof value === 'string' ? value : undefined
    })
    return Math.min(this.config.queue.maxWait, told ?? Infinity)
  }

  requestOf(req: IncomingMessage, body: CallBody): UpstreamRequest {
    const headers = requestHeaders(req, this.#parts.rules(req.socket.remoteAddress))
    const { key, dialect } = this.config
    for (let i = headers.length - 2; i >= 0; i -= 2) {
      const name = headers[i]!.toLowerCase()
      const isKey = key !== undefined && (name === 'authorization' || name === 'x-api-key' || name === 'api-key')
      // A compressed answer could not be counted.
      if (isKey || name === 'accept-encoding') headers.splice(i, 2)
      else if (name === 'content-length') headers[i + 1] = String(body.length)
    }
    headers.push('accept-encoding', 'identity')
    if (key !== undefined) {
      if (dialect === 'anthropic') headers.push('x-api-key', key)
      else headers.push('authorization', `Bearer ${key}`)
    }
    return { method: 'POST', target: req.url ?? '/', headers, body: body.stream() }
  }

  makeRoom({ tenant, priority }: Asker, count: number, bytes: number, tokens: number): boolean {
    while (!this.holdings.fits(count, bytes, tokens)) if (!this.line.evict(tenant, priority)) return false
    return true
  }

  full({ tenant, priority }: Asker, message: string): LineRefusal {
    if (this.#queue !== undefined) return this.#queue.fullFor(tenant, priority, message)
    return { is: 'full', message, delay: 1000 * (1 + this.#random() / 4) }
  }

  copyOf(req: IncomingMessage, { tenant }: Asker, body: Buffer): AnswerCopy | undefined {
    const { cache } = this.#parts
    const age = this.config.overflow?.cached
    return cache === undefined || age === undefined ? undefined : new AnswerCopy({ cache, age, tenant, req, body })
  }

  overflow(
    refusal: LineRefusal,
    req: IncomingMessage,
    res: ServerResponse,
    copy: AnswerCopy | undefined,
  ): Turn | 'answered' | undefined {
    if (!mayGoElsewhere(refusal)) return undefined
    const { overflowed } = this.figures
    if (!res.headersSent && copy?.serve(res) === true) {
      overflowed.cached++
      return 'answered'
    }
    const { overflow, batch } = this.#parts
    const turn = overflow?.tryTake()
    if (turn !== undefined) overflowed.upstream++
    if (turn !== undefined || batch === undefined) return turn
    // A stream that has begun cannot become a promise of a later answer.
    if (res.headersSent || !RESPOND_ASYNC.test(String(req.headers['prefer']))) return undefined
    const later = batch.tryTake()
    if (later !== undefined) overflowed.batch++
    return later
  }

  inWords(refusal: LineRefusal): NativeRefusal {
    const words = refusalInWords(refusal)
    if (this.#parts.batch === undefined || !mayGoElsewhere(refusal)) return words
    return { ...words, message: `${words.message} With prefer: respond-async it may be taken as a batch.` }
  }

  triesAgain(is: RefusalClass, attempt: number): boolean {
    // Before a provider a limit that is reached is waiting, however often.
    if (this.#queue === undefined && (is === 'wait' || is === 'ramp')) return true
    return this.config.retries.owner === 'gateway' && attempt < this.config.retries.attempts
  }

  budgets(dialect: Dialect, raw: readonly string[]): readonly HeaderField[] {
    const standing = this.standing()
    if (standing === undefined) return []
    for (let i = 0; i < raw.length; i += 2) if (/-?ratelimit-/i.test(raw[i]!)) return []
    return nativeBudgetHeaders(dialect, standing, Date.now())
  }

  /** What is served in a minute, and how much of it is spoken for: a bucket whoever stands in front can pace by. */
  standing(): NativeRefusal['budgets'] {
    const { rate, backlog, tokens } = this.line.status
    if (this.#queue === undefined || rate === undefined) return undefined
    const limit = rate * (MINUTE / 1000)
    const taken = Math.min(limit, backlog + tokens)
    const full = (taken / limit) * MINUTE
    return { tokens: { limit, remaining: limit - taken, full } }
  }

  headers(): Readonly<Record<string, string>> {
    return { via: VIA }
  }

  isLastCall(): boolean {
    return this.#parts.counts.lastCall()
  }

  ended(ending: Ended): void {
    this.#parts.counts.ended(ending)
  }

  /** Refuses everybody who waits. */
  close(): void {
    this.line.close()
  }
}

/** What is only a matter of time. */
function mayGoElsewhere({ is }: LineRefusal): boolean {
  return is === 'late' || is === 'full' || is === 'share'
}

/** A member that is always well. */
export function soleMember(upstream: Upstream): ServerMember {
  return { upstream, weight: 1, isFit: true }
}
