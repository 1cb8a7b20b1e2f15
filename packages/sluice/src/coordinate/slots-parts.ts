import type { Clock, Millis, Random } from '../ground/index.ts'
import type { Classes, SlotCoordinator } from './coordinator.ts'
import type { SlotWeights } from './slots-lines.ts'

/** What a fleet's slots are made of, with nothing left to default. */
export interface FleetSlotsParts {
  readonly name: string
  readonly coordinator: SlotCoordinator
  readonly limit: number
  readonly onDown: 'share' | 'open' | 'closed'
  /** Instances to count on before the coordinator has said how many there are; 0 where nobody knows. */
  readonly instances: number
  readonly capacity: number
  readonly maxWait: Millis
  readonly queue: number
  readonly strict: boolean
  /** What each class is sure of; left out, the best class is next always. */
  readonly shares: Classes | undefined
  readonly weights: SlotWeights
  /** True where classes that the fleet has no room for are refused before they wait. */
  readonly early: boolean
  readonly clock: Clock
  readonly random: Random
}
