/**
 * Sluice: overload control. Everything that decides who comes in is a gate; a gate's answer is a permit or a refusal.
 * @module
 */
export {
  explain,
  isRejection,
  REFUSALS,
  RejectedError,
  Rejection,
  retryAfterOf,
  seeded,
  systemClock,
  systemRandom,
  worst,
} from './ground/index.ts'
export type {
  Arrival,
  Clock,
  Instant,
  Millis,
  Outcome,
  Permit,
  Pressure,
  Priority,
  Random,
  Refusal,
  RejectionCode,
  Signal,
  Timer,
  World,
} from './ground/index.ts'
export * from './limit/index.ts'
export * from './queue/index.ts'
export * from './gate/index.ts'
export * from './stream/index.ts'
export * from './observe/index.ts'
