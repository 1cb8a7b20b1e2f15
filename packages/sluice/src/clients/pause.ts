import {
  checkNumber,
  Rejection,
  Source,
  worst,
  type Arrival,
  type Clock,
  type Instant,
  type Millis,
  type Pressure,
  type RejectionCode,
  type Signal,
  type Timer,
} from '../ground/index.ts'
import type { GateCore, GateStats, Verdict, Waiting } from '../gate/index.ts'
import { Detained, type Detention } from './detained.ts'

/** What a {@link Pause} is made of. */
export interface PauseParts {
  /** What stands behind it. */
  readonly inner: GateCore
  readonly clock: Clock
  /** How long an arrival that does not say waits for the end of a pause, in ms. */
  readonly maxHold: Millis
  /** How many may wait for it. */
  readonly capacity: number
}

/** The pressure of what is told to wait. */
const PAUSED = 1

/**
 * A gate that can be told to let nobody in until an instant. Whoever can wait that long is kept, in order; whoever
 * cannot is refused at once, for it is known how long it takes. Those who stand in the queue behind it are kept out as
 * well: as their turn comes they are sent back to wait for the end of the pause.
 */
export class Pause implements GateCore, Detention {
  readonly name: string
  readonly clock: Clock
  readonly pressure: Signal<Pressure>
  readonly #paused: Source<Pressure>
  readonly parts: readonly GateCore[]
  readonly maxHold: Millis
  readonly #inner: GateCore
  readonly #capacity: number
  readonly #held = new Set<Detained>()
  #until: Instant = -Infinity
  #timer: Timer | undefined
  #closed = false

  constructor({ inner, clock, maxHold, capacity }: PauseParts) {
    this.name = inner.name
    this.clock = clock
    this.parts = [inner]
    this.#inner = inner
    this.maxHold = maxHold
    this.#capacity = capacity
    this.#paused = new Source(() => ({ level: this.left > 0 ? PAUSED : 0, cause: `${this.name} paused` }), clock)
    this.pressure = worst(inner.pressure, this.#paused)
  }

  /** How long the pause lasts from now on, in ms; 0 without one. */
  get left(): Millis {
    return this.#until === -Infinity ? 0 : Math.max(0, this.#until - this.clock.now())
  }

  get stats(): GateStats {
    const { limit, inflight, queued } = this.#inner.stats
    return { limit, inflight, queued: queued + this.#held.size }
  }

  check(arrival: Arrival): void {
    this.#inner.check?.(arrival)
  }

  /** Lets nobody in before `until`. An earlier end than the present one changes nothing. */
  pauseUntil(until: Instant): void {
    if (this.#closed || !(until > this.#until)) return
    const now = this.clock.now()
    if (until <= now) return
    this.#until = until
    for (const one of this.#held) {
      const code = this.#obstacle(one.deadline, one.patience)
      if (code !== undefined && this.#held.delete(one)) one.tell(this.#refusal(code, one.deadline, now))
    }
    this.#arm(now)
    this.#paused.changed()
  }

  enter(arrival: Arrival, mayWait: boolean): Verdict | Waiting {
    if (this.#until !== -Infinity) {
      const now = this.clock.now()
      if (now < this.#until) return this.#hold(arrival, mayWait, now)
      this.#resume(now)
    }
    const entered = this.#inner.enter(arrival, mayWait)
    return entered.admitted === undefined ? new Detained(this, arrival, entered) : entered
  }

  shut(): void {
    this.#closed = true
    this.#inner.shut?.()
  }

  close(): void {
    this.shut()
    this.#until = -Infinity
    this.#disarm()
    const held = [...this.#held]
    this.#held.clear()
    for (const one of held) one.tell(new Rejection('closed', this.name, 1, 0))
    this.#inner.close()
  }

  /** For one whose turn comes in the middle of a pause: why it may not wait for the end, or nothing when it does. */
  sendBack(one: Detained): Rejection | undefined {
    const now = this.clock.now()
    const { patience, deadline } = one
    const code = this.#obstacle(deadline, patience)
    if (code !== undefined) return this.#refusal(code, deadline, now)
    this.#held.add(one)
    this.#arm(now)
    return undefined
  }

  /** True when it was held. */
  letGo(one: Detained): boolean {
    if (!this.#held.delete(one)) return false
    if (this.#held.size === 0) this.#disarm()
    this.#paused.changed()
    return true
  }

  #hold(arrival: Arrival, mayWait: boolean, now: Instant): Rejection | Detained {
    const { cost = 1, maxWait = this.maxHold, deadline = Infinity } = arrival
    checkNumber('arrival.cost', cost, Number.MIN_VALUE)
    checkNumber('arrival.maxWait', maxWait, 0, Infinity)
    checkNumber('arrival.deadline', deadline, -Infinity, Infinity)
    if (this.#closed) return new Rejection('closed', this.name, 1, 0)
    const patience = mayWait ? now + maxWait : -Infinity
    const code = this.#obstacle(deadline, patience)
    if (code !== undefined) return this.#refusal(code, deadline, now)
    if (this.#held.size >= this.#capacity)
      return new Rejection('queue_full', this.name, this.#held.size + 1, this.#capacity)
    const one = new Detained(this, arrival, undefined, now, patience)
    this.#held.add(one)
    this.#arm(now)
    return one
  }

  #obstacle(deadline: Instant, patience: Instant): RejectionCode | undefined {
    if (deadline <= this.#until) return 'deadline'
    return patience < this.#until ? 'rate_limited' : undefined
  }

  #refusal(code: RejectionCode, deadline: Instant, now: Instant): Rejection {
    return code === 'deadline'
      ? new Rejection(code, this.name, this.#until, deadline)
      : new Rejection(code, this.name, 1, 0, this.#until - now)
  }

  #resume(now: Instant): void {
    this.#until = -Infinity
    this.#disarm()
    for (const one of this.#held) {
      // Letting one in runs strangers' code, which may hear of another pause.
      if (this.left > 0) return this.#arm(now)
      this.#held.delete(one)
      one.goOn(this.#inner, now)
    }
    this.#paused.changed()
  }

  #arm(now: Instant): void {
    this.#disarm()
    if (this.#held.size === 0) return
    this.#timer = this.clock.after(this.#until - now, () => {
      const later = this.clock.now()
      // Platform timers may fire a fraction early.
      if (later < this.#until) this.#arm(later)
      else this.#resume(later)
    })
  }

  #disarm(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }
}
