import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { systemClock, systemRandom, type Clock, type Millis, type Priority, type Random } from 'sluice'
import { timeLeft } from 'sluice/http'
import {
  dialectOf,
  nativeBudgetHeaders,
  tokenEstimator,
  type Dialect,
  type HeaderField,
  type NativeRefusal,
  type RefusalClass,
} from 'sluice/llm'
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
import type { CallSite, Ended, LlmCounts } from './call-site.ts'
import { Holdings } from './holdings.ts'
import { InferenceQueue } from './inference-queue.ts'
import type { Asker, Line, LineRefusal, LineStatus, Turn } from './line.ts'
import { LlmCall } from './llm-call.ts'
import type { ServerMember } from './model-server.ts'
import type { Overflow } from './overflow.ts'

/** What an {@link LlmDoor} is made of. */
export interface LlmDoorParts {
  readonly config: LlmConfig
  /** The model servers, or how to reach the provider. */
  readonly members: readonly ServerMember[]
  /** The line before a provider. Default: the queue before model servers. */
  readonly line?: Line | undefined
  readonly overflow?: Overflow | undefined
  readonly rules: (peer: string | undefined) => ForwardingRules
  /** What is no call of a model: lists of models, files. */
  readonly others: Listener
  readonly whoOf: (req: IncomingMessage) => { readonly tenant: string; readonly priority: Priority }
  readonly counts: ProxyCounts
  readonly clock?: Clock
  readonly random?: Random
}

/** How a door stands, for people and metrics. */
export interface LlmStatus extends LineStatus {
  readonly counts: LlmCounts
  /** Calls that wait, uploads included, and what they hold. */
  readonly held: { readonly count: number; readonly bytes: number; readonly tokens: number }
  readonly servers: readonly { readonly inflight: number; readonly tokens: number; readonly firstTokens: number }[]
  readonly overflowed: number
}

const MINUTE: Millis = 60_000

/** A door to language models: calls of them wait their turn and are passed on as they came; the rest is passed on. */
export class LlmDoor implements CallSite {
  readonly config: LlmConfig
  readonly clock: Clock
  readonly line: Line
  readonly holdings: Holdings
  readonly estimator: CallSite['estimator'] = tokenEstimator()
  readonly counts: LlmCounts = {
    arrived: 0,
    admitted: 0,
    retried: 0,
    stalled: 0,
    refused: { share: 0, full: 0, late: 0, never: 0, unknown: 0, closed: 0 },
    departed: { upload: 0, waiting: 0, asked: 0, answering: 0, over: 0 },
  }
  readonly whoOf: CallSite['whoOf']
  readonly serverCount: number
  readonly #parts: LlmDoorParts
  readonly #queue: InferenceQueue | undefined
  readonly #random: Random

  constructor(parts: LlmDoorParts) {
    const { config, members, clock = systemClock, random = systemRandom } = parts
    this.#parts = parts
    this.config = config
    this.clock = clock
    this.#random = random
    this.holdings = new Holdings(config.queue)
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
    new LlmCall(this, dialect, req, res).begin()
  }

  get status(): LlmStatus {
    const { count, bytes, tokens } = this.holdings
    return {
      ...this.line.status,
      counts: this.counts,
      held: { count, bytes, tokens },
      servers: (this.#queue?.servers ?? []).map((server) => ({
        inflight: server.inflight,
        tokens: server.tokens,
        firstTokens: server.prefillLimit,
      })),
      overflowed: this.#parts.overflow?.taken ?? 0,
    }
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

  requestOf(req: IncomingMessage, body: Readable | undefined): UpstreamRequest {
    const headers = requestHeaders(req, this.#parts.rules(req.socket.remoteAddress))
    const { key, dialect } = this.config
    for (let i = headers.length - 2; i >= 0; i -= 2) {
      const name = headers[i]!.toLowerCase()
      const isKey = key !== undefined && (name === 'authorization' || name === 'x-api-key' || name === 'api-key')
      // A compressed answer could not be counted.
      if (isKey || name === 'accept-encoding') headers.splice(i, 2)
    }
    headers.push('accept-encoding', 'identity')
    if (key !== undefined) {
      if (dialect === 'anthropic') headers.push('x-api-key', key)
      else headers.push('authorization', `Bearer ${key}`)
    }
    return { method: 'POST', target: req.url ?? '/', headers, body }
  }

  makeRoom({ tenant, priority }: Asker, count: number, bytes: number, tokens: number): boolean {
    while (!this.holdings.fits(count, bytes, tokens)) if (!this.line.evict(tenant, priority)) return false
    return true
  }

  full({ tenant, priority }: Asker, message: string): LineRefusal {
    if (this.#queue !== undefined) return this.#queue.fullFor(tenant, priority, message)
    return { is: 'full', message, delay: 1000 * (1 + this.#random() / 4) }
  }

  overflow({ is }: LineRefusal): Turn | undefined {
    return is === 'late' || is === 'full' || is === 'share' ? this.#parts.overflow?.tryTake() : undefined
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

/** A member that is always well. */
export function soleMember(upstream: Upstream): ServerMember {
  return { upstream, weight: 1, isFit: true }
}
