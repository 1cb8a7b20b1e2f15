export { CHARGES, type Cached, type Charge, type ChargeMode } from './charging.ts'
export type { Amounts } from './charges.ts'
export type { Conformity } from './conformity.ts'
export type { LlmContext } from './context.ts'
export type { ModeDoubt } from './mode-doubt.ts'
export type { HeadersLike } from './headers.ts'
export type { LlmLease, RefusalVerdict } from './lease.ts'
export { llmPool, type LlmPool } from './pool.ts'
export type { LlmOverdueOptions, LlmPoolOptions, LlmQueueOptions, LlmRunOptions } from './pool-options.ts'
export type { Price } from './price.ts'
export type { BudgetHeaders, BudgetName, BudgetProfile, Profile, RefusalClass, RefusalRule } from './profile.ts'
export {
  PROFILES,
  provider,
  type Budget,
  type LimitOptions,
  type ModelLimits,
  type MoneyOptions,
  type ProviderName,
} from './provider.ts'
export type { ProviderRefusal } from './refused.ts'
export type { Asked, LlmRequest, LlmUsage } from './request.ts'
export type { ServiceWeights } from './service.ts'
export type { BudgetStatus, ModelStatus } from './status.ts'
export { memoryBuckets, memorySlots, type BucketsCoordinator, type SlotCoordinator } from '../coordinate/index.ts'
export { exactTokens, type ExactCount, type ExactTokensOptions } from './estimator-exact.ts'
export { TokenMeasure } from './estimator-measure.ts'
export { ANTHROPIC_MEDIA, OPENAI_MEDIA, type MediaTokens } from './estimator-media.ts'
export { tokenEstimator, type TokenEstimator, type TokenEstimatorOptions } from './estimator.ts'
export { readAnswer, type Answer } from './dialects/answer.ts'
export { readAsked, type AskedOptions, type LlmAsked } from './dialects/asked.ts'
export { dialectOf, type Dialect } from './dialects/dialect.ts'
export { goDuration, readGoDuration } from './dialects/go-duration.ts'
export { nativeError, nativeErrorEvent, type NativeError, type NativeRefusal } from './dialects/native-error.ts'
export {
  nativeBudgetHeaders,
  nativeRetryHeaders,
  type HeaderField,
  type NativeBudget,
} from './dialects/native-headers.ts'
export {
  openaiRateMessage,
  openaiTooLargeMessage,
  openaiWait,
  readOpenaiMessage,
  type OpenaiFigures,
  type OpenaiLimit,
  type OpenaiRefused,
} from './dialects/openai-message.ts'
export { ANY_PROVIDER, refusalOf } from './dialects/refusal.ts'
export { instantText, readInstant } from './dialects/rfc3339.ts'
export { toldBudgets, type ToldBudget } from './dialects/told-budgets.ts'
export { delayOf, readError, type HeaderOf, type ToldError } from './dialects/told-error.ts'
export { UsageReader, type UsageReaderOptions } from './dialects/usage-reader.ts'
export { usageOf, type Usage } from './dialects/usage.ts'
export {
  anthropicMiddleware,
  type AnthropicContextLike,
  type AnthropicMiddleware,
  type AnthropicMiddlewareOptions,
  type AnthropicRequestLike,
} from './ways/anthropic-middleware.ts'
export type { WayOptions } from './ways/way-options.ts'
export { wrapAnthropic, type AnthropicLike } from './ways/wrap-anthropic.ts'
export { wrapOpenai, type OpenaiLike } from './ways/wrap-openai.ts'
export { pressureLink, type LinkState, type PressureLink, type PressureLinkOptions } from './pressure-link.ts'
export { OutputPrediction } from './prediction.ts'
export { ServiceRate } from './service-rate.ts'
export { TokenLine, type LineEntry } from './token-line.ts'
