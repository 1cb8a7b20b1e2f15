import {
  Rejection,
  Source,
  throwLater,
  type Arrival,
  type Clock,
  type Instant,
  type Millis,
  type Outcome,
  type Permit,
  type Pressure,
  type RejectionCode,
} from '../ground/index.ts'
import type { QueueDiscipline } from '../queue/index.ts'
import type { GateCore, GateStats, Observer, Verdict, Waiting } from './gate.ts'
import type { Meter } from './meter.ts'
import { costOf, isLate } from './waiter.ts'
import { WaitingRoom, type RoomKeeper } from './waiting-room.ts'

/** What a {@link Slots} is made of. */
export interface SlotsParts {
  readonly name: string
  /** The first limit. */
  readonly limit: number
  /** Without one nobody waits. */
  readonly discipline: QueueDiscipline | undefined
  /** What may be in flight and waiting together. */
  readonly threshold: number
  readonly clock: Clock
  /** Moves the limit. */
  readonly meter: Meter | undefined
  readonly observer: Observer | undefined
}

/** In slots: fractions do not add up exactly, and what is left over of them is no reason to refuse anybody. */
const ROUNDING = 1e-9

/**
 * Slots and a queue before them: what a semaphore and a limiter have in common. With a meter the limit moves; without
 * one no clock is read unless somebody waits or has a deadline.
 */
export class Slots implements GateCore, RoomKeeper {
  readonly name: string
  readonly pressure: Source<Pressure>
  readonly #room: WaitingRoom | undefined
  readonly #threshold: number
  readonly clock: Clock
  readonly #meter: Meter | undefined
  readonly #observer: Observer | undefined
  #limit = 0
  #inflight = 0
  /** The most in flight that leaves room for an everyday arrival; below 0 once closed. */
  #roomy = 0
  #closed = false
  #serving = false

  constructor(parts: SlotsParts) {
    this.name = parts.name
    this.#room = parts.discipline && new WaitingRoom(parts.discipline, parts.clock, this)
    this.#threshold = parts.threshold
    this.#moveTo(parts.limit)
    this.clock = parts.clock
    this.#meter = parts.meter
    this.#observer = parts.observer
    this.pressure = new Source(
      () => ({ level: (this.#inflight + this.#queued()) / this.#limit, cause: this.name }),
      parts.clock,
    )
  }

  get stats(): GateStats {
    return { limit: this.#limit, inflight: this.#inflight, queued: this.#queued() }
  }

  /** A method, because V8 (Node 20) does not inline a private getter. */
  #queued(): number {
    return this.#room === undefined ? 0 : this.#room.size
  }

  enter(arrival: Arrival, mayWait: boolean): Verdict | Waiting {
    // Nearly everybody. Short enough to be inlined where it is called, and then V8 needs no permit on the heap.
    if (
      this.#inflight <= this.#roomy &&
      arrival.cost === undefined &&
      arrival.deadline === undefined &&
      arrival.maxWait === undefined &&
      this.#queued() === 0
    ) {
      const meter = this.#meter
      if (meter !== undefined && !meter.skips()) return this.#admit(1, 0, this.clock.now(), -1)
      this.#inflight++
      this.pressure.changed()
      return new OneSlot(this)
    }
    return this.#consider(arrival, mayWait)
  }

  #consider(arrival: Arrival, mayWait: boolean): Verdict | Waiting {
    // A wide arrival takes all there is rather than wait for ever for a limit that may never come.
    const cost = Math.min(costOf(arrival), this.#limit)
    const queued = this.#queued()
    if (this.#closed) return new Rejection('closed', this.name, 1, 0)
    if (this.#inflight + queued > this.#threshold - ROUNDING)
      return new Rejection('overload', this.name, this.#inflight + queued + 1, this.#threshold)
    if (queued === 0 && this.#inflight + cost <= this.#limit + ROUNDING) {
      const { deadline } = arrival
      const now = this.#meter === undefined && deadline === undefined ? 0 : this.clock.now()
      if (deadline !== undefined && isLate(deadline, now)) return new Rejection('deadline', this.name, now, deadline)
      return this.#admit(cost, 0, now, -1)
    }
    if (!mayWait || this.#room === undefined || arrival.maxWait === 0)
      return new Rejection('limit_exceeded', this.name, this.#inflight + queued + cost, this.#limit)
    const entered = this.#room.enter(arrival, cost)
    if (entered.admitted === false) return entered
    this.#meter?.mark(entered.since, this.#inflight, true)
    // It may stand before a wide one who does not fit, or in the place of one.
    this.#serve(entered.since)
    this.pressure.changed()
    return entered.early ?? entered
  }

  shut(): void {
    this.#closed = true
    this.#roomy = -1
  }

  close(): void {
    this.shut()
    this.#room?.close()
    this.pressure.changed()
  }

  #admit(cost: number, waited: Millis, now: Instant, place: number): SlotPermit {
    this.#inflight += cost
    const meter = this.#meter
    let cohort = 0
    if (meter !== undefined) {
      meter.mark(now, this.#inflight, this.#queued() > 0)
      cohort = meter.began(now)
    }
    this.pressure.changed()
    return new SlotPermit(this, cost, waited, now, cohort, place)
  }

  /** Takes a permit back. Called by the permit, once. */
  release(permit: SlotPermit, outcome: Outcome, actual: number): void {
    this.#room?.settle(permit.place, permit.cost, actual)
    const meter = this.#meter
    if (meter === undefined) return this.vacate(permit.cost, outcome)
    this.#free(permit.cost)
    const now = this.clock.now()
    const before = meter.limit
    meter.mark(now, this.#inflight, this.#queued() > 0)
    if (meter.ended(permit.cohort, permit.start, now, outcome)) {
      this.#moveTo(Math.max(1, Math.floor(meter.limit)))
      this.#limitMoved(before, meter)
    }
    this.left(now)
  }

  /** From now on so many, at least 1. What is in flight beyond them ends as usual. */
  resize(limit: number): void {
    this.#moveTo(limit)
    if (this.#queued() > 0) this.#serve(this.clock.now())
    this.pressure.changed()
  }

  #moveTo(limit: number): void {
    this.#limit = limit
    this.#room?.limited(limit)
    if (!this.#closed) this.#roomy = Math.min(limit, this.#threshold) - 1
  }

  /** The same for one that was not timed. */
  vacate(cost: number, outcome: Outcome): void {
    this.#meter?.count(outcome)
    this.#free(cost)
    if (this.#queued() > 0) this.#serve(this.clock.now())
    this.pressure.changed()
  }

  #free(cost: number): void {
    this.#inflight -= cost
    if (this.#inflight < ROUNDING) this.#inflight = 0
  }

  #limitMoved(before: number, { limit, reason }: Meter): void {
    try {
      this.#observer?.limitChanged?.(before, limit, reason)
    } catch (error) {
      throwLater(this.clock, error)
    }
  }

  /** Lets in whoever fits. Answers run strangers' code, which may release or enter again: hence one loop at a time. */
  #serve(now: Instant): void {
    const room = this.#room
    // While it closes an answer may give a permit back: that lets nobody in any more.
    if (this.#serving || this.#closed || room === undefined) return
    this.#serving = true
    while (room.size > 0 && this.#inflight < this.#limit) {
      const waiter = room.next(now)
      if (waiter === undefined) break
      // However wide it was when the limit was higher: with nothing in flight whoever is next fits.
      const cost = Math.min(waiter.cost, this.#limit)
      if (this.#inflight + cost > this.#limit + ROUNDING) break
      room.take(waiter, now)
      room.answer(waiter, this.#admit(cost, Math.max(0, now - waiter.since), now, waiter.place))
    }
    // The first to fall free only: after a raise many are, until enough have come.
    if (room.size === 0 && this.#limit - this.#inflight === 1) room.idled()
    this.#serving = false
  }

  left(now: Instant): void {
    this.#serve(now)
    this.pressure.changed()
  }

  refusal(code: RejectionCode, cost: number): Rejection {
    return new Rejection(code, this.name, this.#inflight + this.#queued() + cost, this.#limit)
  }
}

/** One slot that nobody times, come by without waiting: of all permits by far the most, so the smallest. */
class OneSlot implements Permit {
  #slots: Slots | undefined

  constructor(slots: Slots) {
    this.#slots = slots
  }

  get admitted(): true {
    return true
  }

  get waited(): Millis {
    return 0
  }

  release(outcome: Outcome): void {
    const slots = this.#slots
    if (slots === undefined) return
    this.#slots = undefined
    slots.vacate(1, outcome)
  }

  [Symbol.dispose](): void {
    this.release('ignored')
  }
}

class SlotPermit implements Permit {
  readonly cost: number
  readonly waited: Millis
  /** When the work began; 0 where nobody measures. */
  readonly start: Instant
  /** The group of arrivals it is judged with; 0 for none. */
  readonly cohort: number
  /** Where in the queue it stood; -1 for nowhere. */
  readonly place: number
  #slots: Slots | undefined

  constructor(slots: Slots, cost: number, waited: Millis, start: Instant, cohort: number, place: number) {
    this.#slots = slots
    this.cost = cost
    this.waited = waited
    this.start = start
    this.cohort = cohort
    this.place = place
  }

  get admitted(): true {
    return true
  }

  release(outcome: Outcome, cost: number = this.cost): void {
    const slots = this.#slots
    if (slots === undefined) return
    this.#slots = undefined
    slots.release(this, outcome, cost)
  }

  [Symbol.dispose](): void {
    this.release('ignored')
  }
}
