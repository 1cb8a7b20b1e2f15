import { Rejection, throwLater, type Arrival, type Clock, type Instant, type RejectionCode } from '../ground/index.ts'
import type { Queue, QueueDiscipline } from '../queue/index.ts'
import { disciplineOf } from './discipline-of.ts'
import { Expiry } from './expiry.ts'
import type { Verdict } from './gate.ts'
import { overuse } from './refill.ts'
import { isLate, waiterOf, type GateWaiter, type Room } from './waiter.ts'

/** What a waiting room needs of the gate it stands before. */
export interface RoomKeeper {
  readonly name: string
  /** Somebody left without being served: a narrow one who stood behind a wide one may fit now. */
  left(now: Instant): void
  /** What is told to those who are refused after waiting: what stands against one of that cost, and what would do. */
  refusal(code: RejectionCode, cost: number, waiter: GateWaiter): Rejection
}

/** The queue before a gate: who waits, for how long, and how they are answered. Whom to let in is the gate's business. */
export class WaitingRoom implements Room {
  readonly #queue: Queue<GateWaiter>
  readonly #discipline: QueueDiscipline
  readonly #clock: Clock
  readonly #keeper: RoomKeeper
  readonly #expiry: Expiry<GateWaiter>
  /** How many wait. Counted here, because a queue of several lines adds them up each time it is asked. */
  size = 0

  /** @throws RangeError for what is no discipline */
  constructor(discipline: QueueDiscipline, clock: Clock, keeper: RoomKeeper) {
    this.#discipline = disciplineOf(keeper.name, discipline)
    this.#queue = discipline.open()
    this.#clock = clock
    this.#keeper = keeper
    this.#expiry = new Expiry(clock, (waiter) => {
      this.#queue.remove(waiter)
      this.#refuse(waiter, waiter.expiry)
      keeper.left(clock.now())
    })
  }

  /** The gate has so many slots now. */
  limited(slots: number): void {
    this.#queue.limited?.(slots)
  }

  /** A slot fell free and nobody was there to take it. */
  idled(): void {
    this.#queue.idled?.()
  }

  /**
   * Takes an arrival in, or refuses it. Telling whoever it pushes out runs strangers' code, which may release or enter:
   * the newcomer may have its answer (`early`) already when this returns.
   * @throws RangeError when the arrival makes no sense
   */
  enter(arrival: Arrival, cost: number): GateWaiter | Rejection {
    const queue = this.#queue
    const { name } = this.#keeper
    // Before any clock is read or anything made: refusing must stay cheap.
    if (queue.rejects(arrival)) return new Rejection('queue_full', name, queue.size + 1, queue.capacity)
    const now = this.#clock.now()
    const { deadline } = arrival
    if (deadline !== undefined) {
      // Late already, or sure to be when its turn comes: refused now, while its caller can still do something else.
      const turn = now + (queue.expectedWait?.(arrival) ?? 0)
      if (isLate(deadline, turn)) return new Rejection('deadline', name, turn, deadline)
    }
    const waiter = waiterOf(this, arrival, cost, now, this.#discipline.maxWait)
    const loser = queue.push(waiter, now)
    if (loser === waiter) return new Rejection('queue_full', name, queue.size + 1, queue.capacity)
    this.size++
    this.#expiry.add(waiter, now)
    if (loser !== undefined) this.#refuse(loser, 'evicted')
    return waiter
  }

  /** Who is next, left in. */
  next(now: Instant): GateWaiter | undefined {
    return this.#queue.next(now, this.#refuse)
  }

  /** Takes out the one that `next` has just named. It must then be answered. */
  take(waiter: GateWaiter, now: Instant): void {
    this.size--
    this.#queue.take(waiter, now)
    this.#expiry.remove(waiter)
  }

  answer(waiter: GateWaiter, verdict: Verdict): void {
    const { answer } = waiter
    if (answer === undefined) {
      waiter.early = verdict
      return
    }
    waiter.answer = undefined
    try {
      answer(verdict)
    } catch (error) {
      throwLater(this.#clock, error)
    }
  }

  /** Takes a waiter out because its caller left. */
  cancel(waiter: GateWaiter): void {
    if (!this.#queue.remove(waiter)) return
    this.#refuse(waiter, 'cancelled')
    this.#keeper.left(this.#clock.now())
  }

  /** Refuses everybody. */
  close(): void {
    // At the end of time everybody has waited too long: the queue gives them all up.
    this.#queue.next(Infinity, (waiter) => this.#refuse(waiter, 'closed'))
  }

  /** See {@link Queue.settle}. */
  settle(place: number, estimated: number, actual: number): void {
    if (place >= 0 && overuse(estimated, actual) !== 0) this.#queue.settle?.(place, estimated, actual)
  }

  readonly #refuse = (waiter: GateWaiter, code: RejectionCode): void => {
    this.size--
    this.#expiry.remove(waiter)
    this.answer(waiter, this.#keeper.refusal(code, waiter.cost, waiter))
  }
}
