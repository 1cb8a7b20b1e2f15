import type { Priority } from '../ground/index.ts'
import type { Amounts } from './charges.ts'
import type { BudgetName } from './profile.ts'

/** What all who wait want, by class of priority: how long a newcomer would wait is told by it. */
export class Backlog {
  readonly #wanted: readonly Amounts[] = [{}, {}, {}, {}]

  add(priority: Priority, amounts: Readonly<Amounts>): void {
    this.#move(priority, amounts, 1)
  }

  remove(priority: Priority, amounts: Readonly<Amounts>): void {
    this.#move(priority, amounts, -1)
  }

  /**
   * So much of a budget is wanted by those who come before.
   * @param part of its own class, the part that comes before
   */
  before(priority: Priority, name: BudgetName, part: number): number {
    let sum = part * (this.#wanted[priority]![name] ?? 0)
    for (let rank = priority + 1; rank <= 3; rank++) sum += this.#wanted[rank]![name] ?? 0
    return Math.max(0, sum)
  }

  #move(priority: Priority, amounts: Readonly<Amounts>, sign: 1 | -1): void {
    const wanted = this.#wanted[priority]!
    for (const [name, amount] of Object.entries(amounts) as [BudgetName, number][])
      wanted[name] = (wanted[name] ?? 0) + sign * amount
  }
}
