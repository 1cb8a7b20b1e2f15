import { readError } from '../dialects/told-error.ts'
import { TokenMeasure } from '../estimator-measure.ts'
import type { LlmUsage } from '../request.ts'
import type { AiPartLike, AiUsageLike } from './ai-model.ts'
import { aiRefusalOf } from './ai-refusal.ts'
import { aiUsage } from './ai-usage.ts'
import type { AnswerWatch } from './answer-watch.ts'
import { refusalInStream } from './refusal-in-stream.ts'

export interface MeteredPartsOptions {
  readonly watch: AnswerWatch
  readonly tokensOf: (measure: TokenMeasure) => number
  /** Told what was used, when that is known. */
  readonly finished: (usage: LlmUsage) => void
}

/** Parts that carry some of the answer. */
const DELTAS = new Set(['text-delta', 'reasoning-delta', 'tool-input-delta'])

interface KnownPart extends AiPartLike {
  readonly delta?: unknown
  readonly usage?: AiUsageLike
  readonly error?: unknown
}

/** The same stream of parts, read along with: its lease ends when it does. Pulled only as it is read. */
export function meteredParts<P extends AiPartLike>(
  stream: ReadableStream<P>,
  { watch, tokensOf, finished }: MeteredPartsOptions,
): { readonly stream: ReadableStream<P>; readonly used: () => LlmUsage } {
  const reader = stream.getReader()
  const streamed = new TokenMeasure()
  let deltas = 0
  const used = (): LlmUsage => ({ output: Math.max(deltas, tokensOf(streamed)) })
  const see = (part: KnownPart): void => {
    if (DELTAS.has(part.type) && typeof part.delta === 'string') {
      deltas++
      streamed.text(part.delta)
    } else if (part.type === 'finish' && part.usage !== undefined && !watch.ended) {
      const usage = aiUsage(part.usage)
      finished(usage)
      watch.settle(usage.output === undefined ? { ...usage, ...used() } : usage)
    } else if (part.type === 'error' && !watch.ended) {
      const { error } = part
      const refusal = aiRefusalOf(error) ?? refusalInStream(readError(0, () => undefined, { error }))
      if (refusal === undefined) watch.leave()
      else watch.fail(refusal)
    }
  }
  const metered = new ReadableStream<P>(
    {
      async pull(into) {
        const part = await reader.read().catch((error: unknown) => {
          // By the caller it would have been heard first.
          if (!watch.ended) watch.fail({ status: 0 })
          throw error
        })
        if (part.done) {
          if (!watch.ended) watch.settle(used())
          return into.close()
        }
        see(part.value)
        into.enqueue(part.value)
      },
      cancel(reason) {
        watch.leave()
        return reader.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
  watch.hold(metered, () => void reader.cancel().catch(() => {}))
  return { stream: metered, used }
}
