import type { FleetBuckets } from '../coordinate/index.ts'
import type { Amounts } from './charges.ts'
import type { BudgetName } from './profile.ts'
import type { Budget } from './provider.ts'

/** The limit of the minute of which such a request would leave least: where a refusal names none it will be that one. */
export function emptiest(
  budgets: readonly Budget[],
  status: ReturnType<FleetBuckets<string>['status']>,
  amounts: Readonly<Amounts>,
): BudgetName | undefined {
  let [found, least]: [BudgetName | undefined, number] = [undefined, Infinity]
  for (const { name, limit, profile } of budgets) {
    const left = (status[name]!.available - (amounts[name] ?? 0)) / limit
    if (name !== 'money' && profile.per <= 60_000 && left < least) [found, least] = [name, left]
  }
  return found
}
