import type { Instant, Millis } from '../ground/index.ts'
import {
  BELIEVED,
  DEMANDS,
  EPISODE,
  LINES,
  OVERDUE,
  SERVED,
  SOON,
  type BucketsDemand,
  type BucketsStanding,
  type BucketsStatement,
} from './buckets.ts'

/** Who waits, as the store sees it. */
interface Waits {
  readonly session: string
  readonly line: string
  readonly priority: number
  readonly since: Instant
  readonly until: Instant
  /** What its line has been charged. */
  charged: number
  /** What the least charged of the lines of its session had been, when it was heard of. */
  readonly floor: number
  /** True once it has been told to ask sooner than it would. */
  called: boolean
  /** Of each bucket; nothing of any where it has just been served. */
  readonly needs: readonly number[]
}

/** One who asks, and what is kept for others. */
export interface Asking {
  /** What those need who come first, and what all others need, of each bucket. */
  readonly ahead: readonly number[]
  readonly all: readonly number[]
  /** What its line has been charged, and the least charged of those beside it. */
  readonly charged: number
  readonly floor: number
}

/**
 * Who waits for one tenant's tokens, at all processes: the best class first; in it the line that has been charged least; of
 * that line whoever has been next at its process longest. A line that comes back begins where the least charged of those who wait are (the
 * virtual token counter of Sheng et al., OSDI 2024). Charges are counted while somebody waits: what is taken while there
 * is enough for everybody is nobody's loss.
 */
export class Demands {
  #episode = 0
  #noted: Instant = -Infinity
  #virtual = 0
  #waiting: readonly Waits[] = []
  readonly #lines = new Map<string, number>()

  /** Settles what lines have been charged elsewhere, and says what is kept for others. */
  ask(session: string, { demand, keep }: BucketsStatement, now: Instant): Asking {
    this.#waiting = this.#waiting.filter((one) => one.until > now && one.session !== session)
    if (this.#waiting.length === 0 && now - this.#noted > EPISODE) this.#forget()
    if (this.#episode > 0 && demand !== undefined) this.#settle(demand)
    const all = keep.map(() => 0)
    const ahead = keep.map(() => 0)
    const charged = demand === undefined ? 0 : this.#chargedOf(demand.line)
    const own = {
      session,
      priority: demand?.priority ?? -1,
      charged,
      since: now - (demand?.waits === true ? demand.age : 0),
    }
    for (const one of this.#waiting) {
      const isAhead = comesBefore(one, own)
      one.needs.forEach((need, at) => {
        all[at]! += need
        if (isAhead) ahead[at]! += need
      })
    }
    const beside = demand?.told.slice(0, demand.abreast) ?? []
    return { ahead, all, charged, floor: Math.min(...beside.map(({ line }) => this.#chargedOf(line))) }
  }

  /**
   * Notes what has become of one who asked.
   * @param needs what it is short of, of each bucket
   */
  answered(
    session: string,
    demand: BucketsDemand,
    needs: readonly number[],
    asking: Asking,
    { granted, fits, hold, retryAfter }: Answered,
    now: Instant,
  ): void {
    const { line, priority, charge, age, waits } = demand
    const one = { session, line, priority, since: now - age, floor: asking.floor, called: false }
    if (granted) {
      if (this.#episode > 0 && needs.some((need) => need > 0)) {
        const charged = this.#charge(line, asking.charged + charge)
        if (waits) this.#note({ ...one, charged, until: now + SERVED, needs: needs.map(() => 0) })
      }
    } else if (waits && fits) {
      if (this.#episode === 0) this.#episode = Math.max(1, Math.floor(now * 1000))
      this.#noted = now
      const until = now + Math.max(hold, Math.min(retryAfter, BELIEVED)) + OVERDUE
      this.#note({ ...one, charged: asking.charged, until, needs })
    }
  }

  /** Who comes (back) begins where the least charged of those are who wait now. */
  advance(): void {
    if (this.#waiting.length === 0) return
    const least = Math.min(...this.#waiting.map(({ charged, floor }) => Math.min(charged, floor)))
    this.#virtual = Math.max(this.#virtual, least)
  }

  /**
   * Who is to ask sooner than it was told to, because something came back: the first of those not called yet, where there
   * is enough for it and all before it.
   * @param left of each bucket, for such a class
   */
  call(left: (at: number, priority: number) => number, now: Instant): string | undefined {
    let next: Waits | undefined
    for (const one of this.#waiting)
      if (!one.called && one.needs.some((need) => need > 0) && (next === undefined || comesBefore(one, next)))
        next = one
    if (next === undefined || next.until - OVERDUE <= now + SOON) return undefined
    const { needs, priority } = next
    const before = this.#waiting.filter((one) => comesBefore(one, next))
    for (let at = 0; at < needs.length; at++) {
      const need = before.reduce((sum, one) => sum + one.needs[at]!, needs[at]!)
      if (needs[at]! > 0 && left(at, priority) < need) return undefined
    }
    next.called = true
    return next.session
  }

  standing({ told }: BucketsDemand): BucketsStanding | undefined {
    if (this.#episode === 0) return undefined
    return {
      episode: this.#episode,
      virtual: this.#virtual,
      charged: told.map(({ line }) => this.#chargedOf(line)),
    }
  }

  #forget(): void {
    this.#episode = 0
    this.#virtual = 0
    this.#lines.clear()
  }

  #settle({ told }: BucketsDemand): void {
    for (const { line, more } of told) if (more !== 0) this.#charge(line, this.#chargedOf(line) + more)
  }

  #chargedOf(line: string): number {
    return Math.max(this.#virtual, this.#lines.get(line) ?? 0)
  }

  #charge(line: string, charged: number): number {
    this.#lines.set(line, charged)
    // Who is nearest to where all begin loses the least by being forgotten.
    while (this.#lines.size > LINES) this.#lines.delete(least(this.#lines))
    for (const one of this.#waiting) if (one.line === line) one.charged = Math.max(this.#virtual, charged)
    return charged
  }

  #note(one: Waits): void {
    const waiting = [...this.#waiting, one]
    if (waiting.length > DEMANDS) {
      const last = waiting.reduce((worst, other) => (comesBefore(worst, other) ? other : worst))
      waiting.splice(waiting.indexOf(last), 1)
    }
    this.#waiting = waiting
  }
}

/** What one who asked was told. */
export interface Answered {
  readonly granted: boolean
  /** False where there is never so much: nothing is kept for it. */
  readonly fits: boolean
  readonly hold: Millis
  readonly retryAfter: Millis
}

function comesBefore(a: Order, b: Order): boolean {
  if (a.priority !== b.priority) return a.priority > b.priority
  if (a.charged !== b.charged) return a.charged < b.charged
  if (a.since !== b.since) return a.since < b.since
  return a.session < b.session
}

type Order = Pick<Waits, 'session' | 'priority' | 'charged' | 'since'>

function least(lines: ReadonlyMap<string, number>): string {
  let [name, fewest] = ['', Infinity]
  for (const [line, charged] of lines) if (charged < fewest) [name, fewest] = [line, charged]
  return name
}
