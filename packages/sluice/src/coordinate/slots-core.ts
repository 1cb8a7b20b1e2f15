import {
  checkNumber,
  refuseValue,
  Rejection,
  Source,
  throwLater,
  type Arrival,
  type Clock,
  type Instant,
  type Millis,
  type Pressure,
  type Random,
  type RejectionCode,
} from '../ground/index.ts'
import type { GateCore, GateStats, Verdict, Waiting } from '../gate/index.ts'
import type { Classes, SlotCoordinator, SlotHead } from './coordinator.ts'
import { SlotSession, type SlotSessionOwner } from './session.ts'
import { SlotLines } from './slots-lines.ts'
import { SlotLost } from './slots-lost.ts'
import { SlotPermit, type SlotLender } from './slots-permit.ts'
import { slotPriority, SlotWaiter } from './slots-waiter.ts'
import type { WatchedArrival } from './slots-watch.ts'

/** How long an instance may go on using a slot that others wait for as well, in ms. */
const QUANTUM = 5
/** Of its part of the limit, how much an instance uses when it cannot ask: others may be more than it knew. */
const PRUDENT = 0.8
/** Arrivals that would not wait for which slots are asked, at most. */
const MISSED = 16

/** What a {@link FleetSlotsCore} is made of. */
export interface FleetSlotsParts {
  readonly name: string
  readonly coordinator: SlotCoordinator
  readonly limit: number
  readonly onDown: 'share' | 'open' | 'closed'
  /** Instances to count on before the coordinator has said how many there are; 0 where nobody knows. */
  readonly instances: number
  readonly capacity: number
  readonly maxWait: Millis
  readonly queue: number
  readonly strict: boolean
  readonly clock: Clock
  readonly random: Random
}

/** Slots that several instances share: decides here while the share of this instance suffices. */
export class FleetSlotsCore implements GateCore, SlotLender, SlotSessionOwner {
  readonly name: string
  readonly clock: Clock
  readonly pressure: Source<Pressure>
  readonly session: SlotSession
  readonly #parts: FleetSlotsParts
  readonly #lines = new SlotLines()
  readonly #watched = new Set<SlotPermit>()
  /** Rises when what is in use has been given to others: permits of before count for nobody's slots. */
  #reign = 1
  #inflight = 0
  /** In use although others have been given the slots. */
  #orphans = 0
  #missed = 0
  #closed = false
  #serving = false

  constructor(parts: FleetSlotsParts) {
    const { name, clock, coordinator, limit, queue, strict, random } = parts
    this.#parts = parts
    this.name = name
    this.clock = clock
    this.pressure = new Source(() => ({ level: this.#level, cause: name }), clock)
    this.session = new SlotSession({ coordinator, owner: this, limit, queue, strict, clock, random })
  }

  get stats(): GateStats {
    return { limit: Math.max(0, this.#room), inflight: this.inUse, queued: this.#lines.size }
  }

  /** Everything that runs here, also what runs on slots that others have by now. */
  get inUse(): number {
    return this.#inflight + this.#orphans
  }

  /** True while the coordinator does not answer and the last lease is over: then the policy decides. */
  get alone(): boolean {
    return !this.session.up && this.session.lapsed
  }

  get inflight(): number {
    return this.#inflight
  }

  get waiting(): Classes {
    return this.#lines.sizes
  }

  takeMissed(): number {
    const missed = this.#missed
    this.#missed = 0
    return missed
  }

  heads(count: number, now: Instant): SlotHead[] {
    return this.#lines.heads(count, now)
  }

  get #level(): number {
    const { last } = this.session
    const { limit } = this.#parts
    return Math.max((last === undefined ? 0 : last.used + last.queued) / limit, (this.inUse + this.#lines.size) / limit)
  }

  /** How much may be in use here now. */
  get #room(): number {
    const { session } = this
    if (session.valid) return session.held + this.#orphans
    if (session.up) return 0
    const { onDown, limit, instances } = this.#parts
    if (onDown === 'open') return Infinity
    const others = Math.max(instances, session.last?.sessions ?? 0)
    return onDown === 'closed' || others === 0 ? 0 : Math.floor((limit * PRUDENT) / others)
  }

  enter(arrival: WatchedArrival, mayWait: boolean): Verdict | Waiting {
    const { deadline } = arrival
    checkSlotArrival(arrival)
    if (this.#closed) return new Rejection('closed', this.name, 1, 0)
    if (deadline !== undefined && deadline <= this.clock.now())
      return new Rejection('deadline', this.name, this.clock.now(), deadline)
    if (this.#lines.size === 0 && this.#fits) return this.#admit(arrival, 0)
    const waits = mayWait && arrival.maxWait !== 0
    if (this.#parts.onDown === 'closed' && this.alone) {
      // Asked all the same: somebody must find out that it is back.
      this.session.sync()
      return this.#refusal('breaker_open')
    }
    if (waits) return this.#wait(arrival)
    if (this.#lines.size === 0) {
      this.#missed = Math.min(MISSED, this.#missed + 1)
      this.session.sync()
      if (this.#fits && this.#lines.size === 0) return this.#admit(arrival, 0)
    }
    return this.#refusal('limit_exceeded')
  }

  get #fits(): boolean {
    return this.inUse < this.#room
  }

  #admit(arrival: WatchedArrival, waited: Millis): SlotPermit {
    this.#inflight++
    this.session.rests(this.session.held - this.#inflight)
    this.pressure.changed()
    return new SlotPermit(this, waited, this.session.fence, this.#reign, arrival.watch)
  }

  #wait(arrival: WatchedArrival): Verdict | Waiting {
    const now = this.clock.now()
    const { capacity, maxWait } = this.#parts
    const priority = slotPriority(arrival)
    let loser: SlotWaiter | undefined
    if (this.#lines.size >= capacity) {
      loser = this.#lines.below(priority)
      if (loser === undefined) return new Rejection('queue_full', this.name, this.#lines.size + 1, capacity)
    }
    const waiter = new SlotWaiter(arrival, now, this.#leave)
    const patience = Math.min(arrival.maxWait ?? maxWait, maxWait)
    const { deadline = Infinity } = arrival
    const late = deadline < now + patience
    const delay = late ? deadline - now : patience
    if (delay < Infinity)
      waiter.timer = this.clock.after(delay, () => this.#refuse(waiter, late ? 'deadline' : 'queue_timeout', true))
    this.#lines.append(waiter)
    if (loser !== undefined) this.#refuse(loser, 'evicted', false)
    this.session.sync()
    this.#serve()
    this.pressure.changed()
    return waiter.early ?? waiter
  }

  readonly #leave = (waiter: SlotWaiter): void => this.#refuse(waiter, 'cancelled', true)

  #refuse(waiter: SlotWaiter, code: RejectionCode, tells: boolean): void {
    if (!waiter.waits) return
    this.#take(waiter)
    this.#answer(waiter, this.#refusal(code))
    if (tells) this.session.sync()
    this.#settle()
    this.pressure.changed()
  }

  #take(waiter: SlotWaiter): void {
    waiter.waits = false
    waiter.timer?.cancel()
    this.#lines.remove(waiter)
  }

  #answer(waiter: SlotWaiter, verdict: Verdict): void {
    const { answer } = waiter
    if (answer === undefined) {
      waiter.early = verdict
      return
    }
    waiter.answer = undefined
    try {
      answer(verdict)
    } catch (error) {
      throwLater(this.clock, error)
    }
  }

  #refusal(code: RejectionCode): Rejection {
    return new Rejection(
      code,
      this.name,
      this.inUse + this.#lines.size + 1,
      this.session.last?.limit ?? this.#parts.limit,
    )
  }

  watches(permit: SlotPermit): void {
    this.#watched.add(permit)
  }

  release(permit: SlotPermit): void {
    if (this.#watched.size > 0) this.#watched.delete(permit)
    if (permit.life === this.#reign) this.#inflight--
    else this.#orphans--
    // The slot goes where it is due: to who waits here, or back.
    if (this.session.valid && !this.#keeps) this.session.giveBack(1)
    this.#serve()
    this.#settle()
    this.pressure.changed()
  }

  /** Whether a slot that falls free here is used here again. */
  get #keeps(): boolean {
    const { session } = this
    if (session.held <= this.#inflight) return true
    if (this.#parts.strict) return false
    const { first } = this.#lines
    if (session.foreign < 0) return true
    if (first === undefined || first.priority < session.foreign) return false
    if (first.priority > session.foreign) return true
    return (session.fair >= 1 && session.held <= session.fair) || this.clock.now() - session.tenure < QUANTUM
  }

  /** Gives back what nobody uses here and somebody waits for elsewhere. */
  #settle(): void {
    const { session } = this
    if (this.#serving || this.#lines.size > 0) return
    if (this.#closed && this.inUse === 0) return session.leave()
    const idle = session.valid ? session.held - this.#inflight : 0
    if (idle > 0 && (session.foreign >= 0 || this.#parts.strict || this.#closed)) session.giveBack(idle)
  }

  /** Lets in whoever fits. Answers run strangers' code, which may release or enter again: hence one loop at a time. */
  #serve(): void {
    if (this.#serving || this.#closed) return
    this.#serving = true
    for (let next = this.#lines.first; next !== undefined && this.#fits; next = this.#lines.first) {
      this.#take(next)
      this.#answer(next, this.#admit(next.arrival, Math.max(0, this.clock.now() - next.since)))
      if (this.#closed) break
    }
    this.#serving = false
  }

  changed(): void {
    if (this.#parts.onDown === 'closed' && this.alone) this.#refuseAll('breaker_open')
    this.#serve()
    this.#settle()
    this.pressure.changed()
  }

  lapsed(): void {
    const { onDown } = this.#parts
    if (onDown === 'open') return
    // What the policy allows goes on; of a coordinator that answers, others are getting the slots now.
    this.#lose(this.alone ? Math.max(0, this.inUse - this.#room) : this.inUse)
  }

  disowned(): void {
    this.#reign++
    this.#orphans += this.#inflight
    this.#inflight = 0
    if (this.#parts.onDown !== 'open') this.#lose(Infinity)
  }

  #lose(count: number): void {
    const lost = new SlotLost(this.name)
    let rest = count
    for (const permit of this.#watched) {
      if (rest-- <= 0) return
      this.#watched.delete(permit)
      permit.lost(lost)
    }
  }

  shed(classes: Classes): void {
    for (const priority of [0, 1, 2, 3] as const)
      for (let count = classes[priority]; count > 0; count--) {
        const newest = this.#lines.newest(priority)
        if (newest !== undefined) this.#refuse(newest, 'queue_full', false)
      }
  }

  #refuseAll(code: RejectionCode): void {
    for (let first = this.#lines.first; first !== undefined; first = this.#lines.first) this.#refuse(first, code, false)
  }

  shut(): void {
    this.#closed = true
  }

  close(): void {
    if (this.#closed && this.#lines.size === 0) return
    this.shut()
    this.#refuseAll('closed')
    this.#settle()
  }
}

/** @throws RangeError naming the field when the arrival makes no sense */
function checkSlotArrival(arrival: Arrival): void {
  const { cost, maxWait, deadline } = arrival
  if (cost !== undefined && cost !== 1) refuseValue('arrival.cost', cost, '1: slots of a fleet are not weighed')
  if (maxWait !== undefined) checkNumber('arrival.maxWait', maxWait, 0, Infinity)
  if (deadline !== undefined && (typeof deadline !== 'number' || Number.isNaN(deadline)))
    refuseValue('arrival.deadline', deadline, 'an instant in ms')
}
