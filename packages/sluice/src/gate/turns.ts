import type { Arrival, Clock, Instant, Millis, Permit, Timer } from '../ground/index.ts'
import type { QueueDiscipline } from '../queue/index.ts'
import type { Verdict, Waiting } from './gate.ts'
import type { GateWaiter } from './waiter.ts'
import { WaitingRoom, type RoomKeeper } from './waiting-room.ts'

/** Whoever has the tokens that others wait for. */
export interface TokenKeeper extends RoomKeeper {
  /** Now, on the axis that never goes back. */
  readonly time: Instant
  /** Takes what a waiter waits for, if all of it is there. */
  admit(waiter: GateWaiter, time: Instant, waited: Millis): Permit | undefined
  /** How long until that is there, in ms. */
  timeFor(waiter: GateWaiter, time: Instant): Millis
}

/** Who waits for tokens, each in turn. One timer, for the instant at which whoever is next can be served. */
export class Turns {
  readonly #room: WaitingRoom
  readonly #clock: Clock
  readonly #keeper: TokenKeeper
  #timer: Timer | undefined
  #due: Instant = -Infinity
  #busy = false
  #closed = false

  constructor(discipline: QueueDiscipline, clock: Clock, keeper: TokenKeeper) {
    this.#room = new WaitingRoom(discipline, clock, keeper)
    this.#clock = clock
    this.#keeper = keeper
  }

  get size(): number {
    return this.#room.size
  }

  /** How long until whoever is next can be served, in ms. 0 when nobody waits. */
  get wait(): Millis {
    return this.size === 0 ? 0 : Math.max(0, this.#due - this.#clock.now())
  }

  /**
   * Takes an arrival in.
   * @param note is told of the waiter before anybody can ask for it
   * @throws RangeError when the arrival makes no sense
   */
  enter(arrival: Arrival, cost: number, note?: (waiter: GateWaiter) => void): Verdict | Waiting {
    const outer = this.#busy
    // Whom it pushes out may release or enter: nobody is served before the newcomer is complete.
    this.#busy = true
    try {
      const entered = this.#room.enter(arrival, cost)
      if (entered.admitted === false) return entered
      note?.(entered)
      this.#busy = outer
      // A newcomer may stand before all others: the timer goes by whoever is next now.
      this.serve(this.#clock.now())
      return entered.early ?? entered
    } finally {
      this.#busy = outer
    }
  }

  /** Lets in whoever is next while there are tokens for it. */
  serve(now: Instant): void {
    if (this.#busy) return
    this.#busy = true
    const { time } = this.#keeper
    let next = this.#room.next(now)
    while (next !== undefined && !this.#closed) {
      const permit = this.#keeper.admit(next, time, Math.max(0, now - next.since))
      if (permit === undefined) break
      this.#room.take(next, now)
      this.#room.answer(next, permit)
      next = this.#room.next(now)
    }
    this.#busy = false
    this.#arm(next, now)
  }

  shut(): void {
    this.#closed = true
  }

  close(): void {
    this.shut()
    this.#room.close()
    this.#timer?.cancel()
  }

  #arm(next: GateWaiter | undefined, now: Instant): void {
    this.#timer?.cancel()
    this.#timer = undefined
    if (next === undefined || this.#closed) return
    // Never less than the clock's last digit, or virtual time would stand still.
    const delay = Math.max(this.#keeper.timeFor(next, this.#keeper.time), Math.abs(now) * Number.EPSILON)
    this.#due = now + delay
    this.#timer = this.#clock.after(delay, () => this.serve(this.#clock.now()))
  }
}
