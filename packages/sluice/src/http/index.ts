export { byAddress } from './by-address.ts'
export { isHealthPath } from './bypass.ts'
export { unwatchDeparture, watchDeparture } from './departures.ts'
export { openPipelines, type Connection, type Leaver, type Piped, type Pipeline } from './pipeline.ts'
export { Call, type CallOff } from './call.ts'
export { Caller } from './caller.ts'
export {
  cachedOnly,
  degradation,
  readOnly,
  type Degradation,
  type DegradationOptions,
  type DegradationStep,
} from './degradation.ts'
export { Door } from './door.ts'
export type { DoorOptions } from './door-options.ts'
export type { EventLoop } from './event-loop.ts'
export { LANES, laneBy, type Lane, type LaneRule } from './lane.ts'
export { outcomeOf } from './outcome.ts'
export { ownAnswer } from './own-answer.ts'
export { Pacer, type Paced } from './pacer.ts'
export { bodyFormat, refuse, type BodyFormat, type RefusedResponse } from './refuse.ts'
export { LOAD_FORMAT, LOAD_METRICS, loadFormatOf, loadMetrics } from './load-metrics.ts'
export { acceptForLater, type Later, type LaterOptions } from './later.ts'
export { liveness, readiness, type Readiness, type ReadinessOptions, type Refusals } from './readiness.ts'
export { mostPerConnection, type PerConnection } from './per-connection.ts'
export { nodeBindings, presenceOf, type NodeBindings, type Presence, type Watcher } from './presence.ts'
export type { Reader } from './reader.ts'
export { TIME_LEFT_HEADERS, timeLeft } from './time-left.ts'
export { trust, type Trust, type Wishes } from './trust.ts'
export { urgency } from './urgency.ts'
export { Visit, visitOf, type Host, type VisitRequest, type VisitResponse } from './visit.ts'
export { waitHeaders } from './wait-time.ts'
export { signalOfWeb, targetOf, WebVisit, type WebVisitParts } from './web-visit.ts'
