import type { Clock } from './clock.ts'
import type { Random } from './random.ts'

/** What a gate needs of the universe. Handing it another clock and chance puts it into the simulator. */
export interface World {
  /** Default: the platform's. */
  readonly clock?: Clock
  /** Default: the platform's. */
  readonly random?: Random
}
