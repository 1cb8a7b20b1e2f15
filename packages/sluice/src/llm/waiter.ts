import type { Instant, Priority, RejectionCode, Timer } from '../ground/index.ts'
import type { Amounts } from './charges.ts'
import type { LlmLease } from './lease.ts'
import type { Asked, LlmRequest } from './request.ts'
import type { LineEntry } from './token-line.ts'

/** What a request is when it comes to a model. */
export interface WaiterParts {
  readonly request: LlmRequest
  readonly asked: Asked
  readonly tenant: string
  readonly route: string
  readonly priority: Priority
  /** The model's name, as the request has it. */
  readonly model: string
  /** When it began to wait; of one that tries again, when it first did. */
  readonly since: Instant
  /** When waiting on is pointless, and what it is then refused with. */
  readonly expires: Instant
  readonly expiry: RejectionCode
  readonly attempt: number
  /** Comes again after it was refused by the provider. */
  readonly retry: () => Promise<LlmLease>
}

/** A request that waits for its turn. */
export class LlmWaiter implements LineEntry {
  readonly parts: WaiterParts
  readonly tenant: string
  readonly priority: Priority
  /** The figures charging goes by, as far as is known by now. */
  asked: Asked
  /** What it wanted when it came: the same is taken off what is waited for when it goes. */
  wants: Amounts = {}
  /** Ends its patience. */
  timer: Timer | undefined
  answer: ((answer: LlmLease | Error) => void) | undefined

  constructor(parts: WaiterParts) {
    this.parts = parts
    this.asked = parts.asked
    this.tenant = parts.tenant
    this.priority = parts.priority
  }

  /** True for one that had its turn and was sent back by the provider. */
  get isAgain(): boolean {
    return this.parts.attempt > 0
  }

  get request(): LlmRequest {
    return this.parts.request
  }

  get expires(): Instant {
    return this.parts.expires
  }

  get expiry(): RejectionCode {
    return this.parts.expiry
  }
}
