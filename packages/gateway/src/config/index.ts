export { algorithmOf, begunAt } from './algorithm.ts'
export { ConfigError } from './config-error.ts'
export { configText } from './config-text.ts'
export { describeGatewayPlan, describeUpstreams, tableOf } from './describe.ts'
export { inWords, millisOf, type Kind } from './fields.ts'
export { gateOf } from './gate-of.ts'
export {
  gatewayPlan,
  simplePlan,
  type GatewayPlan,
  type ReadinessPlan,
  type RoutePlan,
  type StepPlan,
} from './gateway-plan.ts'
export type { GatewaySettings } from './gateway-settings.ts'
export { guardedUrls, linkLocalProblem, type GuardedUrl } from './guarded-urls.ts'
export type { FleetPlan, LimitPlan } from './limit-plan.ts'
export { masked } from './masked.ts'
export { describePlan, plan, type Plan, type PlanSources, type QueuePlan } from './plan.ts'
export { PRESET_NAMES, PRESETS, type Preset, type PresetName } from './presets.ts'
export { ConfigProblems, lineOf, type Problem } from './problem.ts'
export { configOf, readConfig, type ConfigFile, type Environment } from './read-config.ts'
export { redacted } from './redacted.ts'
export { jsonSchema, type Config } from './schema.ts'
export { REDIS_URL } from './sections/redis.ts'
export type { CacheConfig } from './sections/degradation.ts'
export type { LaneRuleConfig, LanesConfig, LaneShares } from './sections/lanes.ts'
export type { LlmConfig, LlmInflightConfig, LlmLimitConfig, LlmQueueConfig, LlmReaderConfig } from './sections/llm.ts'
export { ADDRESS, type TlsConfig } from './sections/listen.ts'
export type { RedisConfig } from './sections/redis.ts'
export type { TenantsConfig } from './sections/tenants.ts'
export type { BreakerConfig, UpstreamConfig } from './sections/upstreams.ts'
export { countOf, environmentSettings, secondsOf, VARIABLES, type Settings } from './settings.ts'
export { strayVariables } from './stray-variables.ts'
export { upstreamUrl } from './upstream-url.ts'
