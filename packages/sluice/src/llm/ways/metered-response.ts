import { UsageReader } from '../dialects/usage-reader.ts'
import type { TokenEstimator } from '../estimator.ts'
import type { LlmLease } from '../lease.ts'
import type { LlmUsage } from '../request.ts'
import { AnswerWatch } from './answer-watch.ts'
import type { PacedCall } from './paced-call.ts'
import { refusalInStream } from './refusal-in-stream.ts'

export interface MeteredParts {
  readonly lease: LlmLease
  readonly call: PacedCall
  readonly estimator: TokenEstimator
  readonly signal: AbortSignal | undefined
}

/**
 * The same response, whose body is read by while it is read: its lease ends when it does. No byte is held back, and none
 * is asked for that its reader has not asked for.
 */
export function meteredResponse(response: Response, parts: MeteredParts): Response {
  if (response.body === null) {
    parts.lease.settle()
    return response
  }
  const metered = new Response(new Meter(response, parts).open(), response)
  // A response made by hand has none, and SDKs show it.
  Object.defineProperty(metered, 'url', { value: response.url })
  return metered
}

class Meter {
  readonly #parts: MeteredParts
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  readonly #usage: UsageReader
  readonly #streams: boolean
  readonly #watch: AnswerWatch

  constructor(response: Response, parts: MeteredParts) {
    this.#parts = parts
    this.#streams = response.headers.get('content-type')?.includes('event-stream') === true
    this.#usage = new UsageReader({ body: this.#streams ? 'events' : 'json' })
    this.#reader = response.body!.getReader()
    this.#watch = new AnswerWatch(parts.lease, parts.signal, () => this.#used())
  }

  /** What is read. It is not kept here: nothing may keep it alive but its reader. */
  open(): ReadableStream<Uint8Array> {
    const source = { pull: this.#pull.bind(this), cancel: this.#cancel.bind(this) }
    const body = new ReadableStream<Uint8Array>(source, { highWaterMark: 0 })
    const reader = this.#reader
    this.#watch.hold(body, () => void reader.cancel().catch(() => {}))
    return body
  }

  async #pull(into: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    const part = await this.#read()
    if (part.done) {
      this.#usage.end()
      this.#ended()
      into.close()
      return
    }
    this.#usage.feed(part.value)
    // Its last event is here: what follows is the end of the connection, which not every reader waits for.
    if (this.#streams && this.#usage.finished) this.#ended()
    into.enqueue(part.value)
  }

  async #read(): ReturnType<ReadableStreamDefaultReader<Uint8Array>['read']> {
    try {
      return await this.#reader.read()
    } catch (error) {
      // Cut off by the provider, or on the way: by the caller, that would have been heard first.
      if (!this.#watch.ended) this.#watch.fail({ status: 0 })
      throw error
    }
  }

  #cancel(reason: unknown): Promise<void> {
    this.#watch.leave()
    return this.#reader.cancel(reason)
  }

  #ended(): void {
    if (this.#watch.ended) return
    const { failure, usage } = this.#usage
    const refusal = failure === undefined ? undefined : refusalInStream(failure)
    if (refusal !== undefined) {
      this.#watch.fail(refusal)
      return
    }
    const { asked } = this.#parts.call
    const { estimator, lease } = this.#parts
    if (usage?.input !== undefined && !asked.more) estimator.learn(asked.measure, usage.input, lease.model)
    this.#watch.settle(this.#used())
  }

  /** What was told; of a stream that has not told it yet, what was seen. */
  #used(): LlmUsage {
    const usage = this.#usage.usage ?? {}
    if (!this.#streams || (this.#usage.usageFinal && usage.output !== undefined)) return usage
    const { estimator, lease } = this.#parts
    return { ...usage, output: this.#usage.streamedTokens(estimator, lease.model) }
  }
}
