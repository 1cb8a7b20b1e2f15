import { checkNumber, checkOptions, systemClock, type Clock, type Millis, type World } from '../ground/index.ts'
import type { Classes, SlotCoordinator, SlotNews, SlotReply, SlotReport } from './coordinator.ts'
import { SlotAccount } from './slots-account.ts'
import { SlotLevel } from './slots-level.ts'
import { SlotPump } from './slots-pump.ts'
import { SlotRivals } from './slots-rivals.ts'
import { widestClass } from './slots-shares.ts'

const NOBODY: Classes = [0, 0, 0, 0]

export interface MemorySlotsOptions extends Pick<World, 'clock'> {
  /**
   * For so long it grants nothing and hears what is in use, in ms: for one that takes over from another. Or what says how
   * much longer at least, in ms, and 0 from then on for ever. Default 0.
   */
  readonly learning?: Millis | (() => Millis)
  /** Fences are higher than this. Default 0. */
  readonly fence?: number
}

/**
 * Slots shared within one process: the same decisions as the script for Redis takes, without leases, for whoever shares
 * a process cannot vanish unnoticed. For tests, for development, and for one instance.
 * @throws RangeError for an option out of range
 */
export function memorySlots(options: MemorySlotsOptions = {}): SlotCoordinator {
  const { clock = systemClock, learning = 0, fence = 0 } = checkOptions('memorySlots', options)
  if (typeof learning !== 'function') checkNumber('memorySlots.learning', learning, 0)
  return new MemorySlots(clock, learning, fence)
}

class MemorySlots implements SlotCoordinator {
  readonly lease = Infinity
  readonly #accounts = new Map<string, SlotAccount>()
  readonly #listeners = new Map<string, (news: SlotNews) => void>()
  readonly #outbox: (readonly [session: string, news: SlotNews])[] = []
  readonly #pump = new SlotPump()
  readonly #level = new SlotLevel()
  #lives: number
  #fence: number
  #limit = 0
  #delivering = false
  readonly #clock: Clock
  readonly #rest: () => Millis

  constructor(clock: Clock, learning: Millis | (() => Millis), fence: number) {
    this.#clock = clock
    const until = typeof learning === 'number' && learning > 0 ? clock.now() + learning : -Infinity
    this.#rest = typeof learning === 'number' ? () => (until === -Infinity ? 0 : until - clock.now()) : learning
    this.#fence = fence
    // Of one that takes over no registration must look like one of before.
    this.#lives = fence
  }

  /** How long it will go on learning, in ms; 0 when it does not. */
  get #learning(): Millis {
    return Math.max(0, this.#rest())
  }

  sync(report: SlotReport, answer: (reply: SlotReply) => void): void {
    answer(this.#handled(report))
    this.#deliver()
  }

  listen(session: string, listener: (news: SlotNews) => void): () => void {
    this.#listeners.set(session, listener)
    return () => void this.#listeners.delete(session)
  }

  /** After the answer: whoever hears of it may report again, which must find everything in order. */
  #deliver(): void {
    if (this.#delivering) return
    this.#delivering = true
    for (let next = this.#outbox.shift(); next !== undefined; next = this.#outbox.shift())
      this.#listeners.get(next[0])?.(next[1])
    this.#delivering = false
  }

  #handled(report: SlotReport): SlotReply {
    const { session: name, strict, queue, shares } = report
    const found = this.#found(report)
    const { status } = found
    let own = found.account
    const fresh = own !== undefined && status !== 'stale' && report.seq > own.seq
    if (own !== undefined && fresh) own.note(report, this.#limit, this.#clock.now())
    if (own !== undefined && report.leaves) {
      this.#accounts.delete(name)
      own = undefined
    }
    const left = this.#grant(own, report)
    if (own !== undefined && fresh) this.#grantSpare(own, left, report.spare)
    const shed = queue > 0 ? this.#shed(name, queue, shares) : []
    const rivals = this.#rivals(report)
    const changed = this.#level.update(this.#queued(), queue, this.#limit, this.#clock.now())
    for (const [account, classes] of shed) if (account !== own) this.#say(account, rivals, classes)
    for (const account of this.#accounts.values())
      if (account !== own && (changed || mustHear(account, rivals, strict))) this.#say(account, rivals, NOBODY)
    return {
      ...this.#news(own, rivals, shed.find(([account]) => account === own)?.[1] ?? NOBODY),
      status,
      limit: this.#limit,
      wake: this.#queued() > 0 ? Math.ceil(this.#learning) : 0,
      sessions: this.#accounts.size,
      waiters: this.#waiters(),
      oldest: this.#oldest(),
      learning: this.#learning > 0,
    }
  }

  /** Whose report it is, with what it says of its slots. */
  #found(report: SlotReport): { status: SlotReply['status']; account: SlotAccount | undefined } {
    const { session: name, life, seq, granted, returned, limit } = report
    const own = this.#accounts.get(name)
    if (life === 0) {
      if (own !== undefined && seq <= own.seq) return { status: 'stale', account: own }
      const fits = granted === 0 || this.#learning > 0 || this.#used(name) + granted <= this.#limit
      const account = new SlotAccount(name, ++this.#lives, fits ? granted : 0, this.#fence)
      this.#accounts.set(name, account)
      // Whoever came last has been deployed last.
      this.#limit = limit
      return { status: fits ? 'ok' : 'refused', account }
    }
    if (own?.life !== life) return { status: 'unknown', account: undefined }
    own.granted = Math.max(own.granted, granted)
    own.returned = Math.min(Math.max(own.returned, returned), own.granted)
    return { status: 'ok', account: own }
  }

  /** Grants what is free to who is next, and answers what nobody wants. */
  #grant(caller: SlotAccount | undefined, report: SlotReport): number {
    const deaf = new Set<SlotAccount>()
    let free = this.#learning > 0 ? 0 : this.#limit - this.#used()
    for (let again = true; again;) {
      again = false
      const hearing = [...this.#accounts.values()].filter((account) => !deaf.has(account))
      const held = new Map(hearing.map((account) => [account, account.granted]))
      const { gains, left } = this.#pump.grant(hearing, free, report.strict, report.shares)
      free = left
      const rivals = this.#rivals(report)
      for (const [account, turns] of gains) {
        const before = held.get(account)!
        if (account !== caller && !this.#listeners.has(account.name)) {
          // Nobody there to hear it: taken back, and given to somebody else.
          this.#news(account, rivals, NOBODY)
          free += account.granted - before
          account.granted = before
          deaf.add(account)
          again = true
          continue
        }
        account.turns.push(...turns)
        account.fence = ++this.#fence
        if (account !== caller) this.#say(account, rivals, NOBODY)
      }
    }
    return free
  }

  #grantSpare(own: SlotAccount, left: number, spare: number): void {
    const extra = Math.min(left, spare)
    if (extra <= 0) return
    own.granted += extra
    own.fence = ++this.#fence
  }

  /** Too many wait everywhere: those go who should, of the caller first. */
  #shed(caller: string, queue: number, shares: Classes | undefined): [SlotAccount, Classes][] {
    const goes = goers(this.#waiters(), this.#queued() - queue, queue, shares)
    const told = new Map<SlotAccount, [number, number, number, number]>()
    const names = [caller, ...[...this.#accounts.keys()].filter((name) => name !== caller).toSorted()]
    for (const [priority, count] of goes.entries()) {
      let over = count
      for (const name of names) {
        const account = this.#accounts.get(name)
        const some = Math.min(over, account?.waiting[priority] ?? 0)
        if (account === undefined || some <= 0) continue
        account.shed(priority, some)
        over -= some
        const classes = told.get(account) ?? [0, 0, 0, 0]
        classes[priority] = some
        told.set(account, classes)
      }
    }
    return [...told]
  }

  #rivals({ strict, shares }: SlotReport): SlotRivals {
    return new SlotRivals([...this.#accounts.values()], this.#limit, strict, shares !== undefined)
  }

  #say(account: SlotAccount, rivals: SlotRivals, shed: Classes): void {
    this.#outbox.push([account.name, this.#news(account, rivals, shed)])
  }

  #news(account: SlotAccount | undefined, rivals: SlotRivals, shed: Classes): SlotNews {
    const used = this.#used()
    const everywhere = { shed, level: this.#level.value, used, queued: this.#queued() }
    if (account === undefined) return { ...GONE, ...everywhere, fence: this.#fence, fair: rivals.fair }
    const { priority: foreign, since } = rivals.of(account)
    const { fair } = rivals
    const until = rivals.until(account)
    account.told = { foreign, since, fair, until }
    account.number++
    const { life, number, granted, fence, named } = account
    const turns = account.turns.flatMap(({ upTo, priority, line, count }) => [upTo, priority, line, count])
    return { ...everywhere, life, number, granted, fence, foreign, fair, until, named, turns }
  }

  #used(except?: string): number {
    let sum = 0
    for (const { name, held } of this.#accounts.values()) if (name !== except) sum += held
    return sum
  }

  #oldest(): number {
    const now = this.#clock.now()
    let oldest = now
    for (const { demand } of this.#accounts.values()) for (const { since } of demand) oldest = Math.min(oldest, since)
    return Math.ceil(now - oldest)
  }

  #waiters(): Classes {
    const sum: [number, number, number, number] = [0, 0, 0, 0]
    for (const { waiting } of this.#accounts.values()) waiting.forEach((count, priority) => (sum[priority]! += count))
    return sum
  }

  #queued(): number {
    return this.#waiters().reduce((sum, count) => sum + count, 0)
  }
}

const GONE = { life: 0, number: 0, granted: 0, foreign: -1, until: 0, named: 0, turns: [] }

/** How many of each class have to go: the least important, or of the class furthest beyond its share of the places. */
function goers(waiting: Classes, over: number, places: number, shares: Classes | undefined): Classes {
  const here: [number, number, number, number] = [...waiting]
  const goes: [number, number, number, number] = [0, 0, 0, 0]
  for (let rest = over; rest > 0; rest--) {
    const priority = shares === undefined ? here.findIndex((count) => count > 0) : widestClass(here, shares, places)
    here[priority]!--
    goes[priority]!++
  }
  return goes
}

/** Whether one that holds slots would use them as it must not any more, as far as it knows. */
function mustHear(account: SlotAccount, rivals: SlotRivals, strict: boolean): boolean {
  const { told } = account
  const { priority, since } = rivals.of(account)
  if (account.held === 0 || priority < 0) return false
  if (!strict) return priority !== told.foreign || rivals.fair < told.fair
  if (priority !== told.foreign) return priority > told.foreign
  return since < told.since && rivals.until(account) < told.until
}
