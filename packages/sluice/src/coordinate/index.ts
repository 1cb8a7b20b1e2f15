export type {
  BucketsAccount,
  BucketsCharge,
  BucketsCoordinator,
  BucketsDemand,
  BucketsGrant,
  BucketsNews,
  BucketsPace,
  BucketsStanding,
  BucketsStatement,
  SharedBudget,
  SharedRefill,
} from './buckets.ts'
export {
  BELIEVED,
  COUNTED,
  DEMANDS,
  EPISODE,
  HEARD_OF,
  KEPT,
  LINES,
  MOST_SPARE,
  OVERDUE,
  PARTS,
  REMEMBERED,
  SERVED,
  SOON,
} from './buckets.ts'
export { RANK, type BucketsRank } from './buckets-rank.ts'
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
