import type { Granted, SlotAccount, Wanted } from './slots-account.ts'

/** Tenants whose virtual time is kept, at most. */
const REMEMBERED = 512

interface Choice {
  readonly account: SlotAccount
  readonly want: Wanted
  readonly tag: number
}

/**
 * Says whose turn it is: the best class anywhere; in strict order whoever has waited longest; else the tenant that was
 * served least by weight, at the instance that holds least. Whoever is next and needs more than is free is waited for.
 */
export class SlotPump {
  /** Virtual time of each class, and of the tenants ahead of it. */
  readonly #virtual = [0, 0, 0, 0]
  #tags = new Map<number, number>()

  /** Grants what is free, and answers what was granted to each and what is left. */
  grant(
    accounts: readonly SlotAccount[],
    slots: number,
    strict: boolean,
  ): { readonly gains: Map<SlotAccount, Granted[]>; readonly left: number } {
    const gains = new Map<SlotAccount, Granted[]>()
    const several = accounts.filter(({ demand }) => demand.length > 0).length
    let free = slots
    let competed = false
    while (free > 0) {
      const { choice, competes } = this.#next(accounts, strict)
      if (choice === undefined) break
      const { account, want, tag } = choice
      const { priority, line, cost, weight } = want
      // What is free is kept for it: else the small ones would keep the large one out for ever.
      if (cost > free) {
        free = 0
        break
      }
      // Not one by one where there is much: a part of it each time evens out as well.
      const count = strict ? 1 : Math.max(1, Math.min(want.count, Math.floor(free / cost / (2 * several))))
      account.grant(want, count)
      free -= cost * count
      if (competes) {
        competed = true
        this.#virtual[priority] = tag
        this.#tags.set(line * 4 + priority, tag + (cost * count) / weight)
      }
      const turns = gains.get(account) ?? []
      gains.set(account, turns)
      if (strict || competes) turned(turns, { upTo: account.granted, priority, line, count, cost }, strict)
    }
    if (competed) this.#forget()
    return { gains, left: free }
  }

  #next(accounts: readonly SlotAccount[], strict: boolean): { choice: Choice | undefined; competes: boolean } {
    let top = -1
    for (const { first } of accounts) if (first !== undefined && first.priority > top) top = first.priority
    let choice: Choice | undefined
    let line: number | undefined
    let competes = false
    for (const account of accounts)
      for (const want of account.demand) {
        if (want.priority !== top) break
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
