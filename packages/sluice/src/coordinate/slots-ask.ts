import type { Clock, Instant, Timer } from '../ground/index.ts'
import type { SlotCoordinator, SlotReply, SlotReport } from './coordinator.ts'

/** How long an answer may take before the coordinator counts as down, in ms. */
export const PATIENCE = 250
/** A timer this late tells of this process, not of the coordinator. */
const FROZEN = 100
/** Timers come before sockets: one that is later than this looks once more, so long after, what lies at the door. */
const LOOK = 5

/** One report under way: answered, refused, or given up after a while; its answer is heard all the same. */
export class SlotAsk {
  readonly #coordinator: SlotCoordinator
  readonly #clock: Clock
  readonly #ends: (ask: SlotAsk, reply: SlotReply | Error) => void
  #patience: Timer | undefined
  #settled = false
  readonly report: SlotReport
  readonly sent: Instant
  /** Given up before it was answered. */
  late = false

  /** @param ends called when it is answered, and before that once when it is late, with an error */
  constructor(
    coordinator: SlotCoordinator,
    clock: Clock,
    report: SlotReport,
    ends: (ask: SlotAsk, reply: SlotReply | Error) => void,
  ) {
    this.#coordinator = coordinator
    this.#clock = clock
    this.#ends = ends
    this.report = report
    this.sent = clock.now()
  }

  get settled(): boolean {
    return this.#settled
  }

  send(): void {
    this.#coordinator.sync(this.report, (reply) => {
      this.#settled = true
      this.#patience?.cancel()
      this.#ends(this, reply)
    })
    if (!this.#settled && this.#coordinator.lease < Infinity) this.#judge(this.sent + PATIENCE)
  }

  #judge(until: Instant, looked = false): void {
    const clock = this.#clock
    const judge = (): void => {
      if (this.#settled) return
      // It was this process that stood still: the answer may lie at the door.
      const late = clock.now() - until
      if (late > FROZEN) return this.#judge(clock.now() + PATIENCE)
      if (late > LOOK && !looked) return this.#judge(clock.now() + LOOK, true)
      this.late = true
      this.#ends(this, new Error(`no answer within ${PATIENCE} ms`))
    }
    this.#patience = clock.after(until - clock.now(), judge, { background: true })
  }
}
