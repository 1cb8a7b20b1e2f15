/**
 * The contracts of the house as suites that anyone can run on their own gate, queue, limit algorithm or door. The
 * test runner and fast-check are handed in.
 * @module
 */
export { BREAKER_LAWS, breakerLaws, type BreakerLawOptions } from './breaker-laws.ts'
export { CHANNEL_LAWS, type ChannelLawWorld } from './channel-law.ts'
export { channelLaws } from './channel-laws.ts'
export { gateLaws, type GateLawOptions } from './gate-laws.ts'
export { GATE_LAWS, type AsyncContext, type GateTraits, type LawWorld } from './gate-law.ts'
export {
  httpLaws,
  type HttpLawsParts,
  type HttpLawsRunner,
  type LawConnection,
  type HttpLawsOptions,
  type LawExchange,
  type LawHandler,
  type LawServer,
} from './http-laws.ts'
export { LIMIT_LAWS, limitLaws, type LimitLawOptions } from './limit-laws.ts'
export type { Arbitrary, LawOptions, LawRunner, Property, PropertyTester } from './property.ts'
export { QUEUE_LAWS, queueLaws } from './queue-laws.ts'
