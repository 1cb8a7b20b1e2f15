import type { ChargeMode } from './charging.ts'
import type { BudgetName } from './profile.ts'

/** A way of counting that does not fit what the provider's headers say. */
export interface ModeDoubt {
  readonly provider: string
  readonly model: string
  readonly budget: BudgetName
  readonly assumed: ChargeMode
  readonly fits: ChargeMode
  /** True where that one is used from now on. */
  readonly switched: boolean
}
