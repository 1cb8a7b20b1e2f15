export type {
  BucketsAccount,
  BucketsCoordinator,
  BucketsGrant,
  BucketsStatement,
  SharedBudget,
  SharedRefill,
} from './buckets.ts'
export { COUNTED, HEARD_OF, KEPT, REMEMBERED } from './buckets.ts'
export type { OnDown } from './buckets-down.ts'
export {
  fleetBuckets,
  type FleetAmounts,
  type FleetBuckets,
  type FleetBucketsOptions,
  type FleetBucketsState,
  type FleetBucketStatus,
} from './buckets-fleet.ts'
export { memoryBuckets, type MemoryBuckets, type MemoryBucketsOptions } from './memory-buckets.ts'
export type { Classes, SlotCoordinator, SlotHead, SlotNews, SlotReply, SlotReport } from './coordinator.ts'
export { memorySlots } from './memory-slots.ts'
export { fleetSlots, type FleetSlots, type FleetSlotsOptions, type FleetSlotsState } from './slots.ts'
export { SlotLost } from './slots-lost.ts'
export type { SlotPermit } from './slots-permit.ts'
