export { unwatchAbort, watchAbort, type AbortListener } from './abort-watch.ts'
export { ORDINARY, type Arrival, type Priority } from './arrival.ts'
export {
  systemClock,
  systemWallClock,
  throwLater,
  type Clock,
  type Instant,
  type Millis,
  type Timer,
  type WallClock,
} from './clock.ts'
export { Misfit } from './misfit.ts'
export type { Outcome } from './outcome.ts'
export { FREE, type Permit } from './permit.ts'
export { worst, type Pressure } from './pressure.ts'
export { seeded, systemRandom, type Random } from './random.ts'
export {
  explain,
  isRejection,
  REFUSALS,
  RejectedError,
  Rejection,
  retryAfterOf,
  type Refusal,
  type RejectionCode,
} from './rejection.ts'
export { Source, type Signal } from './signal.ts'
export { inThisContext } from './context.ts'
export { checkAble, checkFunction, checkNumber, checkOptions, checkText, checkWhole, refuseValue } from './check.ts'
export { tell } from './tell.ts'
export type { World } from './world.ts'
export { Heap } from './heap.ts'
export { hashOf, mix } from './hash.ts'
