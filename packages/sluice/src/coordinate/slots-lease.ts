import type { Clock, Instant, Millis, Timer } from '../ground/index.ts'

/** The part of a lease that is left when it counts as lost here: timers are late, and clocks do not run alike. */
const MARGIN = 0.05

/** What a lease asks, and tells, the session it belongs to. */
export interface SlotLeaseOwner {
  sync(): void
  expired(): void
  /** Nothing held, nothing in use, nobody waiting, and the coordinator answers. */
  isIdle(): boolean
  /** Slots nobody uses. */
  unused(): number
  giveBack(count: number): void
}

/** Sees to it that a lease is renewed in time, that its end is noticed, and that what nobody uses goes back. */
export class SlotLease {
  readonly #length: Millis
  readonly #clock: Clock
  readonly #owner: SlotLeaseOwner
  /** Until when work may begin. */
  #deadline: Instant = -Infinity
  #lapse: Timer | undefined
  #beat: Timer | undefined
  #wake: Timer | undefined
  #registered = false
  #idleLow = 0
  #beats = 0

  constructor(length: Millis, clock: Clock, owner: SlotLeaseOwner) {
    this.#length = length
    this.#clock = clock
    this.#owner = owner
  }

  /** True where nobody can vanish unnoticed; then, once registered, no clock is read. */
  get endless(): boolean {
    return this.#length === Infinity
  }

  get valid(): boolean {
    return this.#clock.now() < this.#deadline
  }

  /** How long it goes on unless it is renewed, in ms. */
  get rest(): Millis {
    return Math.max(0, this.#deadline - this.#clock.now())
  }

  /** @param sent when the report was sent whose answer renews it */
  renew(sent: Instant): void {
    this.#deadline = sent + this.#length * (1 - MARGIN)
  }

  end(): void {
    this.#deadline = -Infinity
  }

  /** Ends it, and calls back unless it is renewed within so many ms; `Infinity` for never. */
  grace(delay: Millis, over: () => void): void {
    this.end()
    this.#lapse?.cancel()
    this.#lapse = undefined
    if (delay === Infinity) return
    const judge = (): void => {
      this.#lapse = undefined
      if (this.#deadline === -Infinity) over()
      else this.arm(this.#registered)
    }
    this.#lapse = this.#clock.after(delay, judge, { background: true })
  }

  /** So many slots are in nobody's use after one was taken. */
  rests(idle: number): void {
    if (idle < this.#idleLow) this.#idleLow = idle
  }

  /** Something may change then without anybody saying so; 0 for never. */
  wake(delay: Millis): void {
    this.#wake?.cancel()
    this.#wake = undefined
    if (delay > 0 && !this.#owner.isIdle())
      this.#wake = this.#clock.after(delay + 2, () => this.#owner.sync(), { background: true })
  }

  arm(registered: boolean): void {
    this.#registered = registered
    if (this.endless) return
    this.#beat ??= this.#owner.isIdle()
      ? undefined
      : this.#clock.after(this.#length / 4, this.#beats4, { background: true })
    if (registered && this.#lapse === undefined && this.#deadline > -Infinity)
      this.#lapse = this.#clock.after(this.#deadline - this.#clock.now(), this.#lapses, { background: true })
  }

  stop(): void {
    this.#lapse?.cancel()
    this.#beat?.cancel()
    this.#wake?.cancel()
  }

  readonly #beats4 = (): void => {
    this.#beat = undefined
    const owner = this.#owner
    if (owner.isIdle()) return
    // What nobody has used for half a lease is of more use elsewhere.
    if (++this.#beats % 2 === 0) {
      const idle = Math.max(0, owner.unused())
      const rests = Math.min(this.#idleLow, idle)
      if (rests > 0) owner.giveBack(rests)
      this.#idleLow = idle - Math.max(0, rests)
    }
    owner.sync()
    this.arm(this.#registered)
  }

  readonly #lapses = (): void => {
    this.#lapse = undefined
    if (!this.#registered || this.#deadline === -Infinity) return
    if (this.valid) return this.arm(this.#registered)
    this.#owner.expired()
  }
}
