import {
  Rejection,
  Source,
  type Arrival,
  type Clock,
  type Instant,
  type Millis,
  type Outcome,
  type Pressure,
  type RejectionCode,
} from '../ground/index.ts'
import type { Queue, QueueDiscipline } from '../queue/index.ts'
import { Expiry } from './expiry.ts'
import type { GateCore, GateStats, Observer, Verdict, Waiting } from './gate.ts'
import type { Meter } from './meter.ts'
import { costOf, isLate, SlotPermit, SlotWaiter, type SlotOwner } from './slot.ts'

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

/**
 * Slots and a queue before them: what a semaphore and a limiter have in common. With a meter the limit moves; without
 * one no clock is read unless somebody waits or has a deadline.
 */
export class Slots implements GateCore, SlotOwner {
  readonly name: string
  readonly pressure: Source<Pressure>
  readonly #queue: Queue<SlotWaiter> | undefined
  readonly #maxWait: Millis
  readonly #threshold: number
  readonly #clock: Clock
  readonly #meter: Meter | undefined
  readonly #observer: Observer | undefined
  readonly #expiry: Expiry<SlotWaiter>
  #limit: number
  #inflight = 0
  #closed = false
  #serving = false

  constructor(parts: SlotsParts) {
    this.name = parts.name
    this.#limit = parts.limit
    this.#queue = parts.discipline?.open()
    this.#maxWait = parts.discipline?.maxWait ?? 0
    this.#threshold = parts.threshold
    this.#clock = parts.clock
    this.#meter = parts.meter
    this.#observer = parts.observer
    this.#expiry = new Expiry(parts.clock, (waiter) => {
      this.#queue?.remove(waiter)
      this.#refuse(waiter, waiter.expiry)
      this.#serve(this.#clock.now())
    })
    this.pressure = new Source(() => ({ level: (this.#inflight + this.#queued) / this.#limit, cause: this.name }))
  }

  get stats(): GateStats {
    return { limit: this.#limit, inflight: this.#inflight, queued: this.#queued }
  }

  get #queued(): number {
    return this.#queue === undefined ? 0 : this.#queue.size
  }

  enter(arrival: Arrival, mayWait: boolean): Verdict | Waiting {
    // A wide arrival takes all there is rather than wait for ever for a limit that may never come.
    const cost = Math.min(costOf(arrival), this.#limit)
    const queued = this.#queued
    if (this.#closed) return this.#rejection('closed', 1, 0)
    if (this.#inflight + queued >= this.#threshold)
      return this.#rejection('overload', this.#inflight + queued + 1, this.#threshold)
    if (queued === 0 && this.#inflight + cost <= this.#limit) {
      const now = this.#meter === undefined && arrival.deadline === undefined ? 0 : this.#clock.now()
      if (arrival.deadline !== undefined && isLate(arrival.deadline, now))
        return this.#rejection('deadline', now, arrival.deadline)
      return this.#admit(cost, 0, now)
    }
    if (!mayWait || this.#queue === undefined || arrival.maxWait === 0)
      return this.#rejection('limit_exceeded', this.#inflight + queued + cost, this.#limit)
    return this.#wait(this.#queue, arrival, cost)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    // At the end of time everybody has waited too long: the queue gives them all up.
    this.#queue?.pop(Infinity, 0, (waiter) => this.#refuse(waiter, 'closed'))
  }

  #wait(queue: Queue<SlotWaiter>, arrival: Arrival, cost: number): Verdict | Waiting {
    if (queue.rejects(arrival)) return this.#rejection('queue_full', queue.size + 1, queue.capacity)
    const now = this.#clock.now()
    if (arrival.deadline !== undefined && isLate(arrival.deadline, now))
      return this.#rejection('deadline', now, arrival.deadline)
    const waiter = new SlotWaiter(this, arrival, cost, now, this.#maxWait)
    const loser = queue.push(waiter, now)
    if (loser === waiter) return this.#rejection('queue_full', queue.size + 1, queue.capacity)
    this.#expiry.add(waiter, now)
    if (loser !== undefined) this.#refuse(loser, 'evicted')
    this.#meter?.mark(now, this.#inflight, true)
    this.pressure.changed()
    return waiter
  }

  #admit(cost: number, waited: Millis, now: Instant): SlotPermit {
    this.#inflight += cost
    this.#meter?.mark(now, this.#inflight, this.#queued > 0)
    this.pressure.changed()
    return new SlotPermit(this, cost, waited, now, this.#meter === undefined ? 0 : this.#meter.began(now))
  }

  /** Takes a permit back. Called by the permit, once. */
  release(permit: SlotPermit, outcome: Outcome): void {
    this.#inflight -= permit.cost
    // Fractions of slots do not add up to exactly nothing.
    if (this.#inflight < 1e-9) this.#inflight = 0
    const meter = this.#meter
    if (meter !== undefined) {
      const now = this.#clock.now()
      const before = meter.limit
      meter.mark(now, this.#inflight, this.#queued > 0)
      if (meter.ended(permit.cohort, permit.start, now, outcome)) {
        this.#limit = Math.max(1, Math.floor(meter.limit))
        this.#observer?.limitChanged?.(before, meter.limit, meter.reason)
      }
      this.#serve(now)
    } else if (this.#queued > 0) this.#serve(this.#clock.now())
    this.pressure.changed()
  }

  /** Lets in whoever fits. Answers run strangers' code, which may release or enter again: hence one loop at a time. */
  #serve(now: Instant): void {
    const queue = this.#queue
    if (this.#serving || queue === undefined) return
    this.#serving = true
    while (queue.size > 0 && this.#inflight < this.#limit) {
      // With nothing in flight whoever is next fits, however wide it was when the limit was higher.
      const room = this.#inflight === 0 ? Infinity : this.#limit - this.#inflight
      const waiter = queue.pop(now, room, this.#giveUp)
      if (waiter === undefined) break
      this.#expiry.remove(waiter)
      const cost = Math.min(waiter.cost, this.#limit)
      this.#settle(waiter, this.#admit(cost, Math.max(0, now - waiter.since), now))
    }
    this.#serving = false
  }

  /** Takes a waiter out because its caller left. */
  cancel(waiter: SlotWaiter): void {
    if (this.#queue?.remove(waiter) !== true) return
    this.#refuse(waiter, 'cancelled')
    // It may have stood, wide, in front of somebody narrow.
    if (this.#queued > 0) this.#serve(this.#clock.now())
  }

  readonly #giveUp = (waiter: SlotWaiter, code: RejectionCode): void => this.#refuse(waiter, code)

  #refuse(waiter: SlotWaiter, code: RejectionCode): void {
    this.#expiry.remove(waiter)
    this.#settle(waiter, this.#rejection(code, this.#inflight + waiter.cost, this.#limit))
    this.pressure.changed()
  }

  #settle(waiter: SlotWaiter, verdict: Verdict): void {
    const { answer } = waiter
    waiter.answer = undefined
    try {
      answer?.(verdict)
    } catch (error) {
      // Whoever released is not to blame: the error surfaces by itself, as it would from any callback.
      this.#clock.after(0, () => {
        throw error
      })
    }
  }

  #rejection(code: RejectionCode, load: number, limit: number): Rejection {
    return new Rejection(code, this.name, load, limit)
  }
}
