import { Heap, type Instant } from '../ground/index.ts'
import type { SlotDemand } from './coordinator.ts'
import { SlotLine } from './slots-line.ts'
import type { SlotWaiter } from './slots-waiter.ts'

/** Tenants of a class the coordinator is told of one by one; the others are told of together. */
const TENANTS = 16
/** How many others there are for it at most: dealt by their hash. */
const OTHERS = 8
/** Runs of arrivals that cost the same, told of in each line. */
const RUNS = 4
/** Tenants remembered although nobody waits for them, at most. */
const REMEMBERED = 512

/**
 * Who waits here in one class: a line for each tenant. Whoever was served least by weight is next (start-time fair
 * queueing: Goyal, Vin and Cheng, 1996); a tenant that comes back does not get what it did not ask for meanwhile.
 */
export class SlotClass {
  readonly priority: number
  size = 0
  readonly #lines = new Map<number, SlotLine>()
  readonly #turns = new Heap<SlotLine>(
    (a, b) => a.tag < b.tag || (a.tag === b.tag && a.head!.serial < b.head!.serial),
    (line, at) => {
      line.turn = at
    },
  )
  #virtual = 0

  constructor(priority: number) {
    this.priority = priority
  }

  /** Who is next. */
  get first(): SlotWaiter | undefined {
    return this.#turns.first?.head
  }

  /** Whom a newcomer pushes out: the newest of the longest line. */
  get last(): SlotWaiter | undefined {
    let longest: SlotLine | undefined
    for (const line of this.#turns) if (longest === undefined || isLonger(line, longest)) longest = line
    return longest?.tail
  }

  /** Who is next of a line, or of several that are told of together. */
  firstOf(id: number): SlotWaiter | undefined {
    if (id >= 0) return this.#lines.get(id)?.head
    let least: SlotLine | undefined
    for (const line of this.#turns)
      if (othersOf(line) === id && (least === undefined || line.tag < least.tag)) least = line
    return least?.head
  }

  append(waiter: SlotWaiter, id: number, weight: number): void {
    let line = this.#lines.get(id)
    if (line === undefined) {
      this.#forget()
      line = new SlotLine(id, weight, this.#virtual)
      this.#lines.set(id, line)
    }
    line.append(waiter)
    this.size++
    if (line.size > 1) return
    line.tag = Math.max(line.tag, this.#virtual)
    this.#turns.push(line)
  }

  /** @param served whether it gets what it waited for */
  remove(waiter: SlotWaiter, served: boolean): void {
    const line = this.#lines.get(waiter.line)!
    line.remove(waiter)
    this.size--
    if (served) {
      this.#virtual = Math.max(this.#virtual, line.tag)
      line.tag += waiter.cost / line.weight
    }
    if (line.size > 0) return this.#turns.update(line.turn)
    this.#turns.removeAt(line.turn)
    line.turn = -1
    if (line.tag <= this.#virtual) this.#lines.delete(line.id)
  }

  /** Everybody, whoever is next first within each line. */
  *waiters(): Generator<SlotWaiter> {
    for (const line of this.#turns) for (let at = line.head; at !== undefined; at = at.next) yield at
  }

  /** Who waits, as the coordinator is told: the heaviest tenants one by one, the others together. */
  demand(now: Instant, into: SlotDemand[]): void {
    const lines = [...this.#turns]
    if (lines.length === 1) return this.#runs(lines[0]!, now, into)
    const named = lines.length <= TENANTS ? lines : longestOf(lines)
    for (const line of named.toSorted((a, b) => a.tag - b.tag)) this.#runs(line, now, into)
    if (lines.length > TENANTS) this.#others(lines, new Set(named), now, into)
  }

  #runs({ id, weight, head }: SlotLine, now: Instant, into: SlotDemand[]): void {
    const { priority } = this
    let waiter = head
    for (let runs = 0; waiter !== undefined && runs < RUNS; runs++) {
      const { cost, since } = waiter
      let count = 0
      for (; waiter?.cost === cost; waiter = waiter.next) count++
      into.push({ priority, line: id, weight, cost, count, age: now - since })
    }
  }

  #others(lines: readonly SlotLine[], named: ReadonlySet<SlotLine>, now: Instant, into: SlotDemand[]): void {
    const together = new Map<number, SlotDemand>()
    for (const line of lines) {
      if (named.has(line)) continue
      const id = othersOf(line)
      const before = together.get(id)
      const { cost, since } = line.head!
      together.set(id, {
        priority: this.priority,
        line: id,
        weight: (before?.weight ?? 0) + line.weight,
        // Enough for whoever of them is next.
        cost: Math.max(before?.cost ?? 0, cost),
        count: (before?.count ?? 0) + line.size,
        age: Math.max(before?.age ?? 0, now - since),
      })
    }
    into.push(...together.values())
  }

  /** Drops tenants of whom nobody waits when there are too many: those who owe nothing, else all of them. */
  #forget(): void {
    if (this.#lines.size - this.#turns.size < REMEMBERED) return
    for (const owing of [false, true])
      for (const line of this.#lines.values())
        if (
          line.turn < 0 &&
          (owing || line.tag <= this.#virtual) &&
          this.#lines.size - this.#turns.size >= REMEMBERED / 2
        )
          this.#lines.delete(line.id)
  }
}

/** So many of the longest: without sorting all of them with each report. */
function longestOf(lines: readonly SlotLine[]): SlotLine[] {
  const longest: SlotLine[] = []
  for (const line of lines) {
    if (longest.length === TENANTS && line.size <= longest[TENANTS - 1]!.size) continue
    const after = longest.findIndex(({ size }) => size < line.size)
    longest.splice(after < 0 ? longest.length : after, 0, line)
    if (longest.length > TENANTS) longest.pop()
  }
  return longest
}

function othersOf({ id }: SlotLine): number {
  return -1 - (id % OTHERS)
}

function isLonger(line: SlotLine, than: SlotLine): boolean {
  const [mine, its] = [line.size / line.weight, than.size / than.weight]
  return mine > its || (mine === its && line.tail!.serial > than.tail!.serial)
}
