export { around } from './around.ts'
export { flowless } from './flowless.ts'
export { laneQueue, type LaneQueueOptions, type LaneQueueShares } from './lane-queue.ts'
export { limitUnit, type FleetLanes, type LimitContext, type LimitUnit } from './limit-unit.ts'
