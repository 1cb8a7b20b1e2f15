import type { BucketsGrant, BucketsStatement, SharedBudget, SlotReply, SlotReport } from '../coordinate/index.ts'
import { packed, unpacked } from './endless.ts'
import type { Frame } from './frames.ts'
import type { Guest, Host } from './host.ts'

/** Something asked of the arbiter, wherever it is: said again to the next if one dies before it answers. */
export interface Ask {
  frame(id: number): Frame
  /** Asks this very process. @throws Error for what makes no sense */
  here(host: Host, guest: Guest): void
  answered(said: unknown): void
  failed(error: Error): void
}

/** A report of a session. */
export class SlotsAsk implements Ask {
  readonly failed: (error: Error) => void
  readonly #key: string
  readonly #report: SlotReport
  readonly #answer: (reply: SlotReply | Error) => void

  constructor(key: string, report: SlotReport, answer: (reply: SlotReply | Error) => void) {
    this.#key = key
    this.#report = report
    this.#answer = answer
    this.failed = answer
  }

  frame(id: number): Frame {
    return ['slots', id, this.#key, this.#report]
  }

  here(host: Host, guest: Guest): void {
    host.sync(guest, this.#key, this.#report, this.#answer)
  }

  answered(said: unknown): void {
    this.#answer(said as SlotReply)
  }
}

/** A statement about an account. */
export class BucketsAsk implements Ask {
  readonly failed: (error: Error) => void
  readonly #budget: SharedBudget
  readonly #tenant: string
  readonly #session: string
  readonly #statement: BucketsStatement
  readonly #granted: (grant: BucketsGrant) => void

  constructor(
    [budget, tenant, session]: readonly [SharedBudget, string, string],
    statement: BucketsStatement,
    granted: (grant: BucketsGrant) => void,
    failed: (error: Error) => void,
  ) {
    this.#budget = budget
    this.#tenant = tenant
    this.#session = session
    this.#statement = statement
    this.#granted = granted
    this.failed = failed
  }

  frame(id: number): Frame {
    return ['buckets', id, this.#budget, this.#tenant, this.#session, packed(this.#statement)]
  }

  here(host: Host, guest: Guest): void {
    host.state(guest, this.#budget, this.#tenant, this.#session, this.#statement).then(this.#granted, this.failed)
  }

  answered(said: unknown): void {
    this.#granted(unpacked(said) as BucketsGrant)
  }
}
