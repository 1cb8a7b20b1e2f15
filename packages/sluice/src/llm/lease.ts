import type { Millis, Permit } from '../ground/index.ts'
import type { FleetReservation } from '../coordinate/index.ts'
import type { Amounts } from './charges.ts'
import type { HeadersLike } from './headers.ts'
import type { RefusalClass } from './profile.ts'
import type { ProviderRefusal } from './refused.ts'
import type { Asked, LlmRequest, LlmUsage } from './request.ts'

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
  settled(lease: Lease, usage: LlmUsage): void
  refused(lease: Lease, refusal: ProviderRefusal): RefusalVerdict
}

/** What a lease is made of. */
export interface LeaseParts {
  readonly keeper: LeaseKeeper
  readonly request: LlmRequest
  readonly asked: Asked
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
  /** To be called when the provider has answered. */
  readonly answered: () => void
}

export class Lease implements LlmLease {
  readonly parts: LeaseParts
  ended = false
  /** True once the head of the answer has come. */
  isAnswered = false
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
    this.parts.answered()
    this.parts.keeper.heard(this, headers)
  }

  produced(tokens: number): void {
    if (tokens >= 0 && tokens <= Number.MAX_SAFE_INTEGER) this.#produced = Math.max(this.#produced ?? 0, tokens)
  }

  settle(usage: LlmUsage = {}): void {
    if (this.#end()) this.parts.keeper.settled(this, this.#withProduced(usage))
  }

  refused(refusal: ProviderRefusal): RefusalVerdict {
    if (!this.#end()) return { is: 'request', retry: false, retryAfter: undefined }
    return this.parts.keeper.refused(this, refusal)
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

  /** Some SDKs tell `null` where nothing is known. */
  #withProduced(usage: LlmUsage | null): LlmUsage {
    return { ...usage, output: usage?.output ?? this.#produced }
  }

  #end(): boolean {
    if (this.ended) return false
    this.ended = true
    this.parts.answered()
    return true
  }
}
