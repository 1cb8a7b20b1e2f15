import type { Classes } from './coordinator.ts'
import type { Granted, SlotAccount, Wanted } from './slots-account.ts'
import { SlotShares, type SlotsDue } from './slots-shares.ts'

/** Tenants whose virtual time is kept, at most. */
const REMEMBERED = 512
const NOBODY: Classes = [0, 0, 0, 0]

interface Choice {
  readonly account: SlotAccount
  readonly want: Wanted
  readonly tag: number
}

/**
 * Says whose turn it is: the best class anywhere, or each by its share; in strict order whoever has waited longest; else
 * the tenant that was served least by weight, at the instance that holds least. Whoever is next and needs more than is
 * free is waited for.
 */
export class SlotPump {
  /** Virtual time of each class, and of the tenants ahead of it. */
  readonly #virtual = [0, 0, 0, 0]
  #tags = new Map<number, number>()
  readonly #owed = new SlotShares()

  /**
   * Grants what is free, and answers what was granted to each and what is left.
   * @param shares what each class is sure of; left out, the best is next always
   */
  grant(
    accounts: readonly SlotAccount[],
    slots: number,
    strict: boolean,
    shares?: Classes,
  ): { readonly gains: Map<SlotAccount, Granted[]>; readonly left: number } {
    const gains = new Map<SlotAccount, Granted[]>()
    const several = accounts.filter(({ demand }) => demand.length > 0).length
    let free = slots
    let competed = false
    while (free > 0) {
      const waiting = shares === undefined ? NOBODY : wantedOf(accounts)
      const due = shares === undefined ? bestOf(accounts) : this.#owed.due(waiting)
      const { choice, competes } = this.#next(accounts, strict, due.priority)
      if (choice === undefined) break
      const { account, want, tag } = choice
      const { priority, line, cost, weight } = want
      // What is free is kept for it: else the small ones would keep the large one out for ever.
      if (cost > free) {
        free = 0
        break
      }
      // Not one by one where there is much: a part of it each time evens out as well.
      const most = Math.min(free / cost / (2 * several), due.most / cost)
      const count = strict ? 1 : Math.max(1, Math.min(want.count, Math.floor(most)))
      if (shares !== undefined) this.#owed.took(priority, cost * count, cost, waiting, shares)
      account.grant(want, count)
      free -= cost * count
      if (competes) {
        competed = true
        this.#virtual[priority] = tag
        this.#tags.set(line * 4 + priority, tag + (cost * count) / weight)
      }
      const turns = gains.get(account) ?? []
      gains.set(account, turns)
      const isMixed = waiting.some((some, each) => some > 0 && each !== priority)
      if (strict || competes || isMixed) turned(turns, { upTo: account.granted, priority, line, count, cost }, strict)
    }
    if (competed) this.#forget()
    return { gains, left: free }
  }

  #next(
    accounts: readonly SlotAccount[],
    strict: boolean,
    due: number,
  ): { choice: Choice | undefined; competes: boolean } {
    let choice: Choice | undefined
    let line: number | undefined
    let competes = false
    for (const account of accounts)
      for (const want of account.demand) {
        if (want.priority > due) continue
        if (want.priority < due) break
        line ??= want.line
        if (!strict && want.line !== line) competes = true
        const tag = strict ? 0 : this.#tagOf(want)
        if (choice === undefined || isBefore({ account, want, tag }, choice, strict)) choice = { account, want, tag }
        if (strict) break
      }
    return { choice, competes }
  }

  #tagOf({ line, priority }: Wanted): number {
    return Math.max(this.#tags.get(line * 4 + priority) ?? 0, this.#virtual[priority]!)
  }

  #forget(): void {
    for (const [key, tag] of this.#tags) if (tag <= this.#virtual[((key % 4) + 4) % 4]!) this.#tags.delete(key)
    if (this.#tags.size > REMEMBERED) this.#tags = new Map()
  }
}

/** Arrivals that wait, of those that were named. */
function wantedOf(accounts: readonly SlotAccount[]): Classes {
  const sum: [number, number, number, number] = [0, 0, 0, 0]
  for (const { demand } of accounts) for (const { priority, count } of demand) sum[priority]! += count
  return sum
}

function bestOf(accounts: readonly SlotAccount[]): SlotsDue {
  let top = -1
  for (const { first } of accounts) if (first !== undefined && first.priority > top) top = first.priority
  return { priority: top, most: Infinity }
}

/** In strict order it is enough to know the last of a class. */
function turned(turns: Granted[], turn: Granted, strict: boolean): void {
  const last = turns.at(-1)
  if (strict && last?.priority === turn.priority && last.cost === turn.cost)
    turns[turns.length - 1] = { ...turn, count: last.count + 1, line: Math.max(last.line, turn.line) }
  else turns.push(turn)
}

function isBefore(a: Choice, b: Choice, strict: boolean): boolean {
  if (strict) {
    if (a.want.since !== b.want.since) return a.want.since < b.want.since
    return a.account.name < b.account.name
  }
  if (a.tag !== b.tag) return a.tag < b.tag
  if (a.want.line !== b.want.line) return a.want.line < b.want.line
  if (a.account.held !== b.account.held) return a.account.held < b.account.held
  // Not the name: one that gives back and asks again in one report would always be before the other, or never.
  if (a.want.since !== b.want.since) return a.want.since < b.want.since
  return a.account.name < b.account.name
}
