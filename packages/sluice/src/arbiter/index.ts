export { arbiter, type Arbiter, type ArbiterOptions, type ArbiterState } from './arbiter.ts'
// For a limit that several processes share and that one of them finds: what all of them see goes through one meter.
export { Meter } from '../gate/index.ts'
export { fleetBuckets, fleetSlots, memoryBuckets, memorySlots, SlotLost } from '../coordinate/index.ts'
export type * from '../coordinate/index.ts'
