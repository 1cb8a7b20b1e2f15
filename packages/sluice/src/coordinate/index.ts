export type {
  BucketsAccount,
  BucketsCoordinator,
  BucketsGrant,
  BucketsNews,
  BucketsPace,
  BucketsStatement,
  SharedBudget,
  SharedRefill,
} from './buckets.ts'
export { COUNTED, HEARD_OF, KEPT, MOST_SPARE, PARTS, REMEMBERED } from './buckets.ts'
export type { OnDown } from './buckets-down.ts'
export type { FleetBucketsExtras, FleetBucketsState, FleetBucketStatus } from './buckets-extras.ts'
export { fleetBuckets, type FleetBuckets, type FleetBucketsOptions } from './buckets-fleet.ts'
export type { FleetAmounts, FleetReservation } from './buckets-reservation.ts'
export { memoryBuckets, type MemoryBuckets, type MemoryBucketsOptions } from './memory-buckets.ts'
export type { Classes, SlotCoordinator, SlotDemand, SlotNews, SlotReply, SlotReport } from './coordinator.ts'
export { memorySlots, type MemorySlotsOptions } from './memory-slots.ts'
export { fleetSlots, type FleetSlots, type FleetSlotsOptions, type FleetSlotsState } from './slots.ts'
export { SlotLost } from './slots-lost.ts'
export type { SlotPermit } from './slots-permit.ts'
