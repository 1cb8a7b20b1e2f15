import type { Instant } from '../ground/index.ts'
import type { SlotAccount } from './slots-account.ts'

interface Rival {
  readonly name: string
  readonly priority: number
  readonly since: Instant
}

const NOBODY: Rival = { name: '', priority: -1, since: 0 }

/** Who waits where, so that each instance can be told what it competes with. */
export class SlotRivals {
  readonly fair: number
  readonly #strict: boolean
  #best: Rival = NOBODY
  #second: Rival = NOBODY

  /** @param shares whether each class is sure of a share */
  constructor(accounts: readonly SlotAccount[], limit: number, strict: boolean, shares: boolean) {
    this.#strict = strict
    for (const account of accounts) {
      const priority = account.best
      if (priority < 0) continue
      const { first } = account
      // Of one that is not named nobody knows how long it has been waiting.
      const since = !strict ? 0 : first?.priority === priority ? first.since : -Infinity
      const rival = { name: account.name, priority, since }
      if (precedes(rival, this.#best)) [this.#best, this.#second] = [rival, this.#best]
      else if (precedes(rival, this.#second)) this.#second = rival
    }
    const competes = (shares && isMixed(accounts)) || this.#isWeighed(accounts)
    this.fair = strict ? 0 : competes ? -1 : this.#part(accounts, limit)
  }

  /**
   * What each who waits in the best class may keep: its part of what is left by those who do not, and by those who hold
   * more than an equal part, for a better class of theirs may never let go of it.
   */
  #part(accounts: readonly SlotAccount[], limit: number): number {
    const rivals = accounts.filter(({ best }) => best >= 0 && best === this.#best.priority)
    let left = limit
    for (const account of accounts) if (!rivals.includes(account)) left -= account.held
    const equal = Math.floor(Math.max(0, left) / Math.max(1, rivals.length))
    const over = rivals.filter(({ held }) => held > equal)
    for (const { held } of over) left -= held
    return over.length === rivals.length ? equal : Math.floor(Math.max(0, left) / (rivals.length - over.length))
  }

  /** Who is first of all others. */
  of({ name }: SlotAccount): Rival {
    return name === this.#best.name ? this.#second : this.#best
  }

  /** The last one here that comes before all of that class elsewhere. */
  until(account: SlotAccount): number {
    const rival = this.of(account)
    let until = 0
    if (!this.#strict || rival.priority < 0) return until
    for (const { priority, line, since } of account.demand)
      if (priority === rival.priority && precedes({ name: account.name, priority, since }, rival))
        until = Math.max(until, line)
    return until
  }

  /** True where a slot must not be used again at home: tenants compete, or somebody needs several at once. */
  #isWeighed(accounts: readonly SlotAccount[]): boolean {
    const { priority: top } = this.#best
    let line: number | undefined
    for (const { demand } of accounts)
      for (const want of demand) {
        if (want.priority !== top) break
        line ??= want.line
        if (want.line !== line || want.cost > 1) return true
      }
    return false
  }
}

/** True where several classes wait. */
function isMixed(accounts: readonly SlotAccount[]): boolean {
  let only = -1
  for (const { waiting } of accounts)
    for (const [priority, count] of waiting.entries()) {
      if (count === 0) continue
      if (only >= 0 && priority !== only) return true
      only = priority
    }
  return false
}

function precedes(a: Rival, b: Rival): boolean {
  if (a.priority !== b.priority) return a.priority > b.priority
  if (a.since !== b.since) return a.since < b.since
  return a.name < b.name
}
