import type { Instant, Millis } from '../ground/index.ts'
import type { Amounts } from './charges.ts'
import type { BudgetName } from './profile.ts'
import type { Budget } from './provider.ts'

/** Over how long use is averaged, in ms. */
const OVER: Millis = 15_000

/** A limit of which no more than this part is used is as good as idle. */
const LITTLE = 0.05

/** What is no longer than this is a short wait, in ms. */
const SHORT: Millis = 1000

/** So many refusals of an idle limit in a minute are others' doing or chance; more say that the limit is lower. */
const CHANCE = 8

/** In ms. */
const MINUTE: Millis = 60_000

/** What of the limits this process has used of late, to know a refusal that its use is no reason for. */
export class Idle {
  readonly #used = new Map<BudgetName, number>()
  #excused: Instant[] = []
  #at: Instant = -Infinity

  /** Sent; or not used after all, where they are below 0. */
  add(amounts: Readonly<Amounts>, sign: 1 | -1, now: Instant): void {
    const kept = Math.exp((this.#at - now) / OVER)
    for (const [name, used] of this.#used) this.#used.set(name, used * kept)
    for (const [name, amount] of Object.entries(amounts) as [BudgetName, number][])
      this.#used.set(name, Math.max(0, (this.#used.get(name) ?? 0) + sign * amount))
    this.#at = now
  }

  /** True where a refusal that names such a wait asks for no more than to wait. Counts those. @param sessions how many use it */
  excuses(wait: Millis | undefined, budgets: readonly Budget[], sessions: number, now: Instant): boolean {
    if (wait === undefined || wait > SHORT) return false
    const isIdle = budgets.every(
      ({ name, limit, profile: { per } }) =>
        name === 'money' ||
        per > MINUTE ||
        (this.#used.get(name) ?? 0) * Math.max(1, sessions) <= (LITTLE * limit * OVER) / per,
    )
    this.#excused = this.#excused.filter((at) => now - at < MINUTE)
    return isIdle && this.#excused.push(now) <= CHANCE
  }
}
