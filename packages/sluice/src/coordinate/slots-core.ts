import {
  Misfit,
  Rejection,
  Source,
  type Clock,
  type Instant,
  type Millis,
  type Pressure,
  type RejectionCode,
} from '../ground/index.ts'
import type { GateCore, GateStats, Verdict, Waiting } from '../gate/index.ts'
import type { Classes, SlotDemand } from './coordinator.ts'
import { SlotSession, type SlotSessionOwner } from './session.ts'
import { SlotLines } from './slots-lines.ts'
import { partAlone } from './slots-down.ts'
import { SlotLost } from './slots-lost.ts'
import { MissedSlots } from './slots-missed.ts'
import type { FleetSlotsParts } from './slots-parts.ts'
import { SlotPermit, type SlotLender } from './slots-permit.ts'
import { SharedTurns, StrictTurns, type SlotTurns } from './slots-turns.ts'
import { checkSlotArrival, slotPriority, SlotWaiter } from './slots-waiter.ts'
import type { WatchedArrival } from './slots-watch.ts'
import { WatchedPermits } from './slots-watched.ts'

/** How long an instance may go on using a slot that others wait for as well, in ms. */
const QUANTUM = 5

/** Slots that several instances share: decides here while the share of this instance suffices. */
export class FleetSlotsCore implements GateCore, SlotLender, SlotSessionOwner {
  readonly name: string
  readonly clock: Clock
  readonly pressure: Source<Pressure>
  readonly session: SlotSession
  readonly missed: MissedSlots = new MissedSlots()
  readonly #parts: FleetSlotsParts
  readonly #lines: SlotLines
  readonly #turns: SlotTurns
  readonly #watched = new WatchedPermits()
  /** Rises when what is in use has been given to others: permits of before count for nobody's slots. */
  #reign = 1
  #inflight = 0
  /** How often all that was in use was lost. */
  #losses = 0
  /** In use although others have been given the slots. */
  #orphans = 0
  /** The limit everybody who waits is known to fit in. */
  #widest = Infinity
  #closed = false
  #serving = false

  constructor(parts: FleetSlotsParts) {
    const { name, clock, strict, shares } = parts
    this.#parts = parts
    this.#lines = new SlotLines(strict, parts.weights, shares)
    this.name = name
    this.clock = clock
    this.pressure = new Source(() => ({ level: this.#level, cause: name }), clock)
    this.session = new SlotSession({ ...parts, owner: this })
    this.#turns = strict ? new StrictTurns(this.#lines, this.session.view) : new SharedTurns(this.#lines)
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

  get claim(): number {
    // What begins alone while the claim is under way must be part of it, or it comes on top of the limit.
    const begins = this.#parts.onDown === 'share' && this.alone ? this.#part - this.#orphans : 0
    return Math.max(this.#inflight, begins)
  }

  get waiting(): Classes {
    return this.#lines.sizes
  }

  demand(now: Instant): SlotDemand[] {
    return this.#lines.demand(now)
  }

  turn(priority: number, line: number, count: number): void {
    this.#turns.add(priority, line, count)
  }

  get #level(): number {
    const { used, queued } = this.session.view
    return Math.max(used + queued, this.inUse + this.#lines.size) / this.#limit
  }

  /** Of the fleet, as far as it is known here. */
  get #limit(): number {
    return this.session.last?.limit ?? this.#parts.limit
  }

  /** True while `share` has no part to share: it is alone, and has never heard how many there are. */
  get #isUnheard(): boolean {
    const { onDown, instances } = this.#parts
    return this.alone && onDown === 'share' && instances === 0 && (this.session.last?.sessions ?? 0) === 0
  }

  /** How much may be in use here now. */
  get #room(): number {
    const { session } = this
    if (session.valid) return session.held + this.#orphans
    if (session.up) return 0
    return this.#parts.onDown === 'share' ? Math.min(this.#part, session.mostAlone) : this.#part
  }

  /** How much may be in use here without the coordinator, once all leases have run out. */
  get #part(): number {
    return partAlone(this.#parts, this.session.last?.sessions ?? 0)
  }

  enter(arrival: WatchedArrival, mayWait: boolean): Verdict | Waiting {
    const { deadline, cost = 1 } = arrival
    checkSlotArrival(arrival)
    if (this.#closed) return new Rejection('closed', this.name, 1, 0)
    if (deadline !== undefined && deadline <= this.clock.now())
      return new Rejection('deadline', this.name, this.clock.now(), deadline)
    if (this.#lines.size === 0 && this.#fits(cost)) return this.#admit(arrival, cost, 0)
    if (cost > this.#limit) return this.#refusal('limit_exceeded', cost)
    if (this.#parts.onDown === 'closed' && this.alone) {
      // Asked all the same: somebody must find out that it is back.
      this.session.sync()
      return this.#refusal('breaker_open')
    }
    if (this.#parts.early && slotPriority(arrival) < this.session.view.level) return this.#refusal('shed')
    const queues = mayWait && arrival.maxWait !== 0
    if (queues && this.#parts.capacity > 0) return this.#wait(arrival)
    if (this.#lines.size === 0) {
      this.missed.add(cost)
      this.session.sync()
      if (this.#fits(cost) && this.#lines.size === 0) return this.#admit(arrival, cost, 0)
    }
    return queues ? new Rejection('queue_full', this.name, 1, 0) : this.#refusal('limit_exceeded')
  }

  #fits(cost: number): boolean {
    return this.inUse + cost <= this.#room
  }

  #admit(arrival: WatchedArrival, cost: number, waited: Millis): SlotPermit {
    this.#inflight += cost
    this.session.rests(this.session.held - this.#inflight)
    this.pressure.changed()
    return new SlotPermit(this, waited, this.session.fence, this.#reign, cost, this.#losses, arrival.watch)
  }

  #wait(arrival: WatchedArrival): Verdict | Waiting {
    const now = this.clock.now()
    const { capacity, maxWait } = this.#parts
    const priority = slotPriority(arrival)
    let loser: SlotWaiter | undefined
    if (this.#lines.size >= capacity) {
      loser = this.#lines.loser(priority, capacity)
      if (loser === undefined) return new Rejection('queue_full', this.name, this.#lines.size + 1, capacity)
    }
    const waiter = new SlotWaiter(arrival, now, maxWait, this.#leave)
    waiter.watch(this.clock, this.session, () => this.#refuse(waiter, waiter.expiry, true))
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
    this.#take(waiter, false)
    waiter.answered(this.#refusal(code, waiter.cost), this.clock)
    if (tells) this.session.sync()
    this.#settle()
    this.pressure.changed()
  }

  #take(waiter: SlotWaiter, served: boolean): void {
    waiter.waits = false
    waiter.timer?.cancel()
    this.#lines.remove(waiter, served)
  }

  #refusal(code: RejectionCode, cost = 1): Rejection {
    if (code === 'limit_exceeded' && cost > this.#limit) return new Misfit(code, this.name, cost, this.#limit)
    const isForWant = code === 'limit_exceeded' || code === 'queue_timeout'
    const why = isForWant && this.#isUnheard ? 'breaker_open' : code
    return new Rejection(why, this.name, this.inUse + this.#lines.size + 1, this.#limit)
  }

  watches(permit: SlotPermit): void {
    if (permit.losses < this.#losses) permit.lost(new SlotLost(this.name))
    else this.#watched.add(permit)
  }

  release(permit: SlotPermit): void {
    this.#watched.delete(permit)
    if (permit.life === this.#reign) this.#inflight -= permit.cost
    else this.#orphans -= permit.cost
    // The slots go where they are due: to who waits here, or back.
    if (this.session.valid && !this.#keeps) this.session.giveBack(Math.min(permit.cost, this.#unused))
    this.#serve()
    this.#settle()
    this.pressure.changed()
  }

  get #unused(): number {
    return this.session.held - this.#inflight
  }

  /** Whether a slot that falls free here is used here again. */
  get #keeps(): boolean {
    const { session } = this
    if (this.#unused <= 0) return true
    // The limit was lowered while more than that was in use.
    if (session.view.used > this.#limit) return false
    if (this.#parts.strict) return this.#turns.next !== undefined
    const { first } = this.#lines
    if (session.view.foreign < 0) return true
    if (session.view.fair < 0 && this.#parts.shares !== undefined) return false
    if (first === undefined || first.priority < session.view.foreign) return false
    if (first.priority > session.view.foreign) return true
    if (session.view.fair < 0) return false
    return (session.view.fair >= 1 && session.held <= session.view.fair) || this.clock.now() - session.tenure < QUANTUM
  }

  /** Gives back what nobody uses here and somebody waits for elsewhere. */
  #settle(): void {
    const { session } = this
    if (this.#serving) return
    if (this.#closed && this.inUse === 0 && this.#lines.size === 0) return session.leave()
    const idle = session.valid ? this.#unused : 0
    // Where somebody waits who needs more than there is, what there is may be wanting elsewhere for the same reason.
    const isWanted = this.#lines.size > 0 || session.view.foreign >= 0 || this.#parts.strict || this.#closed
    if (idle > 0 && isWanted) session.giveBack(idle)
  }

  /** Lets in whoever fits. Answers run strangers' code, which may release or enter again: hence one loop at a time. */
  #serve(): void {
    if (this.#serving || this.#closed) return
    this.#serving = true
    for (let next = this.#turns.next; next !== undefined && this.#fits(next.cost); next = this.#turns.next) {
      const now = this.clock.now()
      // Of several whose time ends at once, one that goes must not let the next in late.
      const inTime = now < next.expires
      if (inTime) this.#turns.took(next)
      this.#take(next, inTime)
      next.answered(
        inTime ? this.#admit(next.arrival, next.cost, now - next.since) : this.#refusal(next.expiry),
        this.clock,
      )
      if (this.#closed) break
    }
    if (this.#unused <= 0) this.#turns.clear()
    this.#serving = false
  }

  changed(): void {
    if (this.#limit !== this.#widest) this.#refuseWide()
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

  #lose(slots: number): void {
    if (slots >= this.inUse) this.#losses++
    this.#watched.lose(this.name, slots)
  }

  disowned(): void {
    this.#reign++
    this.#orphans += this.#inflight
    this.#inflight = 0
    if (this.#parts.onDown !== 'open') this.#lose(Infinity)
  }

  shed(classes: Classes): void {
    for (const priority of [0, 1, 2, 3] as const)
      for (let count = classes[priority]; count > 0; count--) {
        const last = this.#lines.last(priority)
        if (last !== undefined) this.#refuse(last, 'queue_full', false)
      }
  }

  /** The limit has changed: whoever can never fit in it is told at once. */
  #refuseWide(): void {
    this.#widest = this.#limit
    for (const waiter of this.#lines.wider(this.#widest)) this.#refuse(waiter, 'limit_exceeded', false)
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
