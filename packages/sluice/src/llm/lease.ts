import type { Millis, Permit } from '../ground/index.ts'
import type { FleetReservation } from '../coordinate/index.ts'
import type { Amounts } from './charges.ts'
import type { HeadersLike } from './headers.ts'
import type { RefusalClass } from './profile.ts'
import type { ProviderRefusal } from './refused.ts'
import type { Asked, LlmRequest, LlmUsage } from './request.ts'
import type { SentRequest } from './sent.ts'

/** What became of a refused request, and what to do now. */
export interface RefusalVerdict {
  readonly is: RefusalClass
  /** True where it makes sense to try again: `lease.again()`. */
  readonly retry: boolean
  /** When to come back, in ms, where that is known. The pool itself waits for it. */
  readonly retryAfter: Millis | undefined
}

/** The right to make one call. Ends once: by `settle`, `refused` or `abandon`. */
export interface LlmLease extends Disposable {
  /** Which of the request's models it is for. */
  readonly model: string
  readonly provider: string
  /** How long it waited, in ms. */
  readonly waited: Millis
  /** How often the request was refused by the provider before. */
  readonly attempt: number
  /** What was taken, by budget. */
  readonly taken: Readonly<Amounts>
  /** How many tokens its answer is expected to have: nine of ten of its like have had no more. */
  readonly expected: number
  readonly ended: boolean
  /** The head of the answer has come. Feeds what it says of the limits to all processes. */
  heard(headers: HeadersLike): void
  /** So many tokens have been streamed so far. Cumulative; what an aborted call is settled by. */
  produced(tokens: number): void
  /** The call has succeeded. What is not known of its use stays charged. */
  settle(usage?: LlmUsage): void
  /** The provider would not have it, or failed (status 0: no answer at all). */
  refused(refusal: ProviderRefusal): RefusalVerdict
  /** The call was cut off by its caller: settled by what was `produced`, or `usage`. So does leaving its scope. */
  abandon(usage?: LlmUsage): void
  /** Waits for the next attempt of a call that was refused, before those who are new. @throws as `acquire` */
  again(): Promise<LlmLease>
}

/** What a lease needs of whoever gave it. */
export interface LeaseKeeper {
  heard(lease: Lease, headers: HeadersLike): void
  /** So many tokens more have been answered. */
  produced(more: number): void
  settled(lease: Lease, usage: LlmUsage): void
  refused(lease: Lease, refusal: ProviderRefusal): RefusalVerdict
}

/** What a lease is made of. */
export interface LeaseParts {
  readonly keeper: LeaseKeeper
  readonly request: LlmRequest
  readonly asked: Asked
  /** The same as it most likely is: without what care adds. */
  readonly likely: Asked
  readonly tenant: string
  readonly route: string
  readonly model: string
  readonly provider: string
  readonly waited: Millis
  readonly attempt: number
  /** Comes again, before those who are new. */
  readonly retry: () => Promise<LlmLease>
  readonly taken: Readonly<Amounts>
  readonly reservation: FleetReservation<string>
  /** What the breaker hears how it ended by. */
  readonly trial: Permit
  readonly slot: Permit | undefined
  /** When it began. */
  readonly since: number
  /** What it was charged in the order of tenants. */
  readonly service: number
  readonly sent: SentRequest
}

export class Lease implements LlmLease {
  readonly parts: LeaseParts
  ended = false
  /** True once the head of the answer has come. */
  isAnswered = false
  /** Tokens the keeper was told of, as they came. */
  streamed = 0
  /** How often in a row it was looked, and nothing had been heard of it. */
  silentLooks = 0
  #produced: number | undefined

  constructor(parts: LeaseParts) {
    this.parts = parts
  }

  get model(): string {
    return this.parts.model
  }

  get provider(): string {
    return this.parts.provider
  }

  get waited(): Millis {
    return this.parts.waited
  }

  get attempt(): number {
    return this.parts.attempt
  }

  get taken(): Readonly<Amounts> {
    return this.parts.taken
  }

  get expected(): number {
    return this.parts.asked.predicted
  }

  heard(headers: HeadersLike): void {
    if (this.ended || this.isAnswered) return
    this.isAnswered = true
    this.silentLooks = 0
    this.parts.keeper.heard(this, headers ?? {})
  }

  produced(tokens: number): void {
    if (!(tokens >= 0 && tokens <= Number.MAX_SAFE_INTEGER)) return
    this.#produced = Math.max(this.#produced ?? 0, tokens)
    this.silentLooks = 0
    if (!this.isAnswered || this.ended || this.#produced <= this.streamed) return
    this.parts.keeper.produced(this.#produced - this.streamed)
    this.streamed = this.#produced
  }

  settle(usage: LlmUsage = {}): void {
    if (this.#end()) this.parts.keeper.settled(this, this.#withProduced(usage))
  }

  refused(refusal: ProviderRefusal): RefusalVerdict {
    if (!this.#end()) return { is: 'request', retry: false, retryAfter: undefined }
    return this.parts.keeper.refused(this, refusal ?? NO_ANSWER)
  }

  abandon(usage: LlmUsage = {}): void {
    if (this.#end()) this.parts.keeper.settled(this, this.#withProduced(usage))
  }

  again(): Promise<LlmLease> {
    this.abandon()
    return this.parts.retry()
  }

  [Symbol.dispose](): void {
    this.abandon()
  }

  #withProduced(usage: LlmUsage | null): LlmUsage {
    return {
      input: tokensOf(usage?.input),
      output: tokensOf(usage?.output) ?? this.#produced,
      cacheRead: tokensOf(usage?.cacheRead),
      cacheWrite: tokensOf(usage?.cacheWrite),
    }
  }

  #end(): boolean {
    if (this.ended) return false
    this.ended = true
    return true
  }
}

/** A refusal of which nothing is known. */
const NO_ANSWER: ProviderRefusal = { status: 0 }

/** What is no number of tokens says nothing: some SDKs tell `null`, and what is made of that is NaN. One would spoil all sums. */
function tokensOf(figure: unknown): number | undefined {
  return typeof figure === 'number' && figure >= 0 && figure <= Number.MAX_SAFE_INTEGER ? figure : undefined
}
