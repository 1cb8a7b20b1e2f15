import { refuseValue } from '../ground/index.ts'
import { chargeAtEnd, chargeAtStart, type ChargeMode } from './charging.ts'
import { priceOf } from './price.ts'
import type { BudgetName } from './profile.ts'
import { FIGURE_OF, type Budget, type ModelLimits } from './provider.ts'
import type { Asked, LlmUsage } from './request.ts'
import { mostOf } from './shadow-buckets.ts'

/** So many of each budget. */
export type Amounts = Partial<Record<BudgetName, number>>

/** What requests of one model take of its budgets, as far as is known how they are counted. */
export class Charges {
  readonly #limits: ModelLimits
  readonly #modes: Partial<Record<BudgetName, ChargeMode>> = {}

  constructor(limits: ModelLimits) {
    this.#limits = limits
    for (const { name, profile } of limits.budgets) {
      const mode = limits.modes[name] ?? profile.modes[0]
      if (mode !== undefined) this.#modes[name] = mode
    }
  }

  modeOf(name: BudgetName): ChargeMode | undefined {
    return this.#modes[name]
  }

  /** From now on counted so. */
  use(name: BudgetName, mode: ChargeMode): void {
    this.#modes[name] = mode
  }

  /** What a request takes when it begins. */
  atStart(asked: Asked): Amounts {
    return this.#each((budget, mode) =>
      mode !== undefined
        ? chargeAtStart(mode, budget.profile.cached, asked)
        : budget.name === 'money'
          ? this.#priceOf(asked, {})
          : 1,
    )
  }

  /** What it has taken in the end. */
  atEnd(asked: Asked, usage: LlmUsage): Amounts {
    return this.#each((budget, mode) =>
      mode !== undefined
        ? chargeAtEnd(mode, budget.profile.cached, asked, usage)
        : budget.name === 'money'
          ? this.#priceOf(asked, usage)
          : 1,
    )
  }

  /** Where money stops it, a call costs what it may, until it is known: nothing from the cache, an answer as long as it may be. */
  #priceOf(asked: Asked, usage: LlmUsage): number {
    const { price, stops } = this.#limits
    return priceOf(price!, stops ? { ...asked, cacheRead: 0, predicted: asked.maxOutput } : asked, usage)
  }

  /**
   * What a request that failed has taken.
   * @param refused true where the provider would not have it, false where it failed at it
   */
  afterFailure(asked: Asked, refused: boolean): Amounts {
    const { failed } = this.#limits.profile
    const start = this.atStart(asked)
    return this.#each(({ name }, mode) => {
      if (name === 'money') return 0
      if (mode === undefined) return failed.requests === 'count' ? 1 : 0
      return refused && failed.tokens === 'back' ? 0 : (start[name] ?? 0)
    })
  }

  /** @throws RangeError for a request that no amount of waiting would make fit */
  checkFits(asked: Asked): void {
    const amounts = this.atStart(asked)
    const { profile, model, budgets } = this.#limits
    for (const budget of budgets) {
      const amount = amounts[budget.name]!
      if (amount <= mostOf(budget)) continue
      const unit = budget.name === 'money' ? 'millionths of a dollar' : 'tokens'
      const figure = FIGURE_OF[budget.name] ?? budget.name
      refuseValue(
        'request',
        `${Math.round(amount)} ${unit}`,
        `at most ${Math.round(mostOf(budget))}, the ${figure} of ${model} at ${profile.provider}: it would never fit`,
      )
    }
  }

  #each(amountOf: (budget: Budget, mode: ChargeMode | undefined) => number): Amounts {
    const amounts: Amounts = {}
    for (const budget of this.#limits.budgets) amounts[budget.name] = amountOf(budget, this.#modes[budget.name])
    return amounts
  }
}
