import type { Instant } from '../ground/index.ts'
import type { SlotReport } from './coordinator.ts'

/** Some who wait at an instance for the same, as the coordinator keeps them. */
export interface Wanted {
  readonly priority: number
  readonly line: number
  readonly weight: number
  readonly cost: number
  count: number
  readonly since: Instant
}

/** For whom slots were granted: how many it had been granted ever when these were among them. */
export interface Granted {
  readonly upTo: number
  readonly priority: number
  line: number
  count: number
  readonly cost: number
}

/** What the coordinator keeps of one instance. */
export class SlotAccount {
  readonly name: string
  readonly life: number
  number = 0
  seq = -1
  granted: number
  returned = 0
  fence: number
  waiting: [number, number, number, number] = [0, 0, 0, 0]
  demand: Wanted[] = []
  /** Grants it may not have heard of. */
  turns: Granted[] = []
  named = 0
  /** What it was last told of the others. */
  told: { foreign: number; since: Instant; fair: number; until: number } = { foreign: -1, since: 0, fair: 0, until: 0 }

  constructor(name: string, life: number, granted: number, fence: number) {
    this.name = name
    this.life = life
    this.granted = granted
    this.fence = fence
  }

  get held(): number {
    return this.granted - this.returned
  }

  /** Who of its arrivals is next. */
  get first(): Wanted | undefined {
    return this.demand[0]
  }

  /** The best class of those who wait, named or not; -1 for nobody. */
  get best(): number {
    for (let priority = 3; priority >= 0; priority--) if (this.waiting[priority]! > 0) return priority
    return -1
  }

  /** Takes a report as the state of things, but for what was granted since. */
  note({ seq, life, granted, waiting, demand, strict }: SlotReport, limit: number, now: Instant): void {
    this.seq = seq
    this.waiting = [...waiting]
    this.demand = []
    for (const { age, ...rest } of demand) {
      if (strict) this.named = Math.max(this.named, rest.line)
      // What can never be granted must not stand in the way.
      if (rest.cost <= limit && rest.count > 0) this.demand.push({ ...rest, since: now - age })
    }
    let served = life === 0 ? 0 : this.granted - granted
    this.turns = this.turns.filter(({ upTo }) => upTo > granted)
    for (const { upTo, priority, line, cost, count } of this.turns) {
      // Of several that were granted together it may have heard of some, and somebody better has got those.
      let rest = Math.min(count, Math.ceil((upTo - granted) / cost))
      for (const want of this.demand) {
        const same = strict ? want.line <= line : want.line === line && want.cost === cost
        if (want.priority === priority && same) rest -= this.#take(want, Math.min(rest, want.count))
      }
      served -= cost * count
    }
    if (!strict) this.#serve(served)
    this.demand = this.demand.filter(({ count }) => count > 0)
  }

  /** What it had not heard of when it reported has found those who are next by now. */
  #serve(slots: number): void {
    let rest = slots
    for (const want of this.demand) {
      const count = Math.min(want.count, Math.floor(rest / want.cost))
      if (count <= 0 && want.count > 0) return
      rest -= this.#take(want, count) * want.cost
    }
  }

  #take(want: Wanted, count: number): number {
    want.count -= count
    this.waiting[want.priority] = Math.max(0, this.waiting[want.priority]! - count)
    return count
  }

  /** Grants slots to some of those who wait. */
  grant(want: Wanted, count: number): void {
    this.granted += want.cost * count
    this.#take(want, count)
    if (want.count === 0) this.demand = this.demand.filter((each) => each !== want)
  }

  /** So many of a class are to go: the last of them. */
  shed(priority: number, count: number): void {
    this.waiting[priority]! -= count
    const mine = this.demand.filter((want) => want.priority === priority)
    let over = mine.reduce((sum, want) => sum + want.count, 0) - this.waiting[priority]!
    for (const want of mine.toReversed()) {
      const some = Math.min(over, want.count)
      if (some <= 0) break
      want.count -= some
      over -= some
    }
    this.demand = this.demand.filter((want) => want.count > 0)
  }
}
