import { systemWallClock, type WallClock } from '../../ground/index.ts'
import type { LlmAsked } from '../dialects/asked.ts'
import type { TokenEstimator } from '../estimator.ts'
import type { LlmLease } from '../lease.ts'
import type { LlmPool } from '../pool.ts'
import type { LlmUsage } from '../request.ts'
import { aiAsked } from './ai-asked.ts'
import { meteredParts } from './ai-metered-parts.ts'
import type { AiAnswerLike, AiCallLike, AiModelLike, AiPartLike, AiStreamLike } from './ai-model.ts'
import { aiErrorOf, aiRefusalOf } from './ai-refusal.ts'
import { aiUsage } from './ai-usage.ts'
import { AnswerWatch } from './answer-watch.ts'
import { estimatorOf } from './estimator-of.ts'
import type { WayOptions } from './way-options.ts'

/** Takes the calls of the AI SDK through a pool: each of its attempts by itself, for it is the one that repeats them. */
export class AiExchange {
  readonly #pool: LlmPool
  readonly #estimator: TokenEstimator
  readonly #wall: WallClock
  readonly #passes: boolean

  constructor(pool: LlmPool, options: Pick<WayOptions, 'estimator' | 'unknown' | 'wall'>) {
    this.#pool = pool
    this.#estimator = options.estimator ?? estimatorOf(pool)
    this.#wall = options.wall ?? systemWallClock
    this.#passes = options.unknown === 'pass'
  }

  async generate<A extends AiAnswerLike>(call: AiCallLike, model: AiModelLike, send: () => PromiseLike<A>): Promise<A> {
    const asked = aiAsked(call)
    const lease = await this.#acquire(asked, call, model)
    if (lease === undefined) return send()
    const watch = new AnswerWatch(lease, call.abortSignal, () => NOTHING)
    const answer = await this.#send(lease, watch, send)
    const usage = aiUsage(answer.usage)
    this.#learn(asked, usage, lease)
    watch.settle(usage)
    return answer
  }

  async stream<P extends AiPartLike, S extends AiStreamLike<P>>(
    call: AiCallLike,
    model: AiModelLike,
    send: () => PromiseLike<S>,
  ): Promise<S> {
    const asked = aiAsked(call)
    const lease = await this.#acquire(asked, call, model)
    if (lease === undefined) return send()
    let produced = (): LlmUsage => NOTHING
    const watch = new AnswerWatch(lease, call.abortSignal, () => produced())
    const answer = await this.#send(lease, watch, send)
    const metered = meteredParts(answer.stream, {
      watch,
      tokensOf: (measure) => this.#estimator.tokens(measure, lease.model),
      finished: (usage) => this.#learn(asked, usage, lease),
    })
    produced = metered.used
    return { ...answer, stream: metered.stream }
  }

  async #acquire(asked: LlmAsked, call: AiCallLike, model: AiModelLike): Promise<LlmLease | undefined> {
    const { modelId } = model
    try {
      return await this.#pool.acquire({
        model: modelId,
        input: this.#estimator.tokens(asked.measure, modelId),
        ...(asked.maxOutput !== undefined && { maxOutput: asked.maxOutput }),
        ...(call.abortSignal !== undefined && { signal: call.abortSignal }),
      })
    } catch (error) {
      if (this.#passes && error instanceof RangeError && error.message.startsWith('request.model')) return undefined
      throw aiErrorOf(error, model, this.#wall())
    }
  }

  async #send<A extends Pick<AiAnswerLike, 'response'>>(
    lease: LlmLease,
    watch: AnswerWatch,
    send: () => PromiseLike<A>,
  ): Promise<A> {
    try {
      const answer = await send()
      lease.heard(answer.response?.headers ?? {})
      return answer
    } catch (error) {
      const refusal = watch.ended ? undefined : aiRefusalOf(error)
      if (refusal === undefined) watch.leave()
      else {
        const { retry, retryAfter = 0 } = watch.fail(refusal)
        // The AI SDK goes by the status alone, and would come again for what can only be refused again.
        if (!retry || retryAfter > this.#pool.maxWait) Object.defineProperty(error, 'isRetryable', { value: false })
      }
      throw error
    }
  }

  #learn(asked: LlmAsked, { input }: LlmUsage, { model }: LlmLease): void {
    if (input !== undefined && !asked.more) this.#estimator.learn(asked.measure, input, model)
  }
}

const NOTHING: LlmUsage = {}
