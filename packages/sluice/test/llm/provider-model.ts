import type { Clock, Instant, Millis } from '../../src/ground/index.ts'

/** How the provider counts: written from the documentation, not from the pool's tables. */
export type Counting = 'max' | 'sum' | 'refund' | 'actual' | 'prompt' | 'answer' | 'answer-reserved' | 'times-five'

export interface LimitModel {
  /** So many a minute (or in `per`). */
  limit: number
  readonly per?: Millis
  /** What can be used at one instant, in ms of refill. Default a minute. */
  readonly window?: Millis
  readonly counts: Counting | 'one'
  /** `x-ratelimit-…-tokens`; none where the provider tells nothing. */
  readonly header?: string
  readonly dialect?: 'openai' | 'anthropic'
  readonly named?: string
  /** A refusal says nothing but its status. */
  readonly silent?: boolean
}

/** One call, as it really is. */
export interface Call {
  readonly input: number
  readonly cached: number
  readonly maxOutput: number
  readonly output: number
}

export interface Reply {
  readonly status: number
  readonly headers: Record<string, string>
  readonly body: string
}

interface Bucket extends LimitModel {
  readonly name: string
  used: number
  at: Instant
  /** All that was ever counted, less what came back. */
  counted: number
  /** The most that was ever used at once, as a part of what can be. */
  fullest: number
}

/** What counts when it arrives, and what counts in the end. */
const START: Record<Counting | 'one', (call: Call) => number> = {
  one: () => 1,
  max: ({ input, maxOutput }) => Math.max(input, maxOutput),
  sum: ({ input, maxOutput }) => input + maxOutput,
  refund: ({ input, maxOutput }) => input + maxOutput,
  actual: ({ input }) => input,
  prompt: ({ input, cached }) => input - cached,
  answer: () => 0,
  'answer-reserved': ({ maxOutput }) => maxOutput,
  'times-five': ({ input, maxOutput }) => input + maxOutput,
}
const END: Partial<Record<Counting | 'one', (call: Call) => number>> = {
  refund: ({ input, output }) => input + output,
  'answer-reserved': ({ output }) => output,
  'times-five': ({ input, output }) => input + 5 * output,
}
/** Counted as it is produced. */
const STREAMED: ReadonlySet<string> = new Set(['actual', 'answer'])

const MINUTE = 60_000

/** A provider in virtual time: buckets that refill all the time, exact headers, exact refusals. */
export class ProviderModel {
  readonly buckets: readonly Bucket[]
  readonly refusals: Instant[] = []
  served = 0
  #clock: Clock

  constructor(clock: Clock, limits: Readonly<Record<string, LimitModel>>) {
    this.#clock = clock
    this.buckets = Object.entries(limits).map(([name, limit]) => ({
      ...limit,
      name,
      used: 0,
      at: clock.now(),
      counted: 0,
      fullest: 0,
    }))
  }

  bucket(name: string): Bucket {
    return this.buckets.find((bucket) => bucket.name === name)!
  }

  #capacity(bucket: Bucket): number {
    return Math.max(1, (bucket.limit * (bucket.window ?? MINUTE)) / (bucket.per ?? MINUTE))
  }

  #drain(bucket: Bucket): void {
    const now = this.#clock.now()
    bucket.used = Math.max(0, bucket.used - ((now - bucket.at) * bucket.limit) / (bucket.per ?? MINUTE))
    bucket.at = now
  }

  #count(bucket: Bucket, amount: number): void {
    this.#drain(bucket)
    bucket.used = Math.max(0, bucket.used + amount)
    bucket.counted += amount
    bucket.fullest = Math.max(bucket.fullest, bucket.used / this.#capacity(bucket))
  }

  /** A request arrives: all limits must have room. */
  arrive(call: Call): Reply {
    for (const bucket of this.buckets) {
      this.#drain(bucket)
      const needed = START[bucket.counts](call)
      const capacity = this.#capacity(bucket)
      if (bucket.used + needed <= capacity + 1e-6) continue
      this.refusals.push(this.#clock.now())
      if (bucket.silent === true) return { status: 429, headers: {}, body: '' }
      const wait = Math.ceil(((bucket.used + needed - capacity) / bucket.limit) * (bucket.per ?? MINUTE))
      const headers = {
        ...this.headers(),
        'retry-after-ms': String(wait),
        'retry-after': String(Math.ceil(wait / 1000)),
      }
      const message = `Rate limit reached on ${bucket.named ?? bucket.name}. Please try again in ${wait}ms.`
      return { status: 429, headers, body: JSON.stringify({ error: { code: 'rate_limit_exceeded', message } }) }
    }
    for (const bucket of this.buckets) this.#count(bucket, START[bucket.counts](call))
    this.served++
    return { status: 200, headers: this.headers(), body: '' }
  }

  /** So much of the answer has been produced, as a part of all of it. */
  produce(call: Call, part: number): void {
    for (const bucket of this.buckets) if (STREAMED.has(bucket.counts)) this.#count(bucket, call.output * part)
  }

  /** It is complete. */
  finish(call: Call): void {
    for (const bucket of this.buckets) {
      const end = END[bucket.counts]
      if (end !== undefined) this.#count(bucket, end(call) - START[bucket.counts](call))
    }
  }

  /** The limit is cut: what is used stays in proportion. */
  cut(name: string, limit: number): void {
    const bucket = this.bucket(name)
    this.#drain(bucket)
    bucket.used *= limit / bucket.limit
    bucket.limit = limit
  }

  headers(): Record<string, string> {
    const headers: Record<string, string> = {}
    for (const bucket of this.buckets) {
      const { header, dialect = 'openai' } = bucket
      if (header === undefined) continue
      this.#drain(bucket)
      const left = Math.max(0, bucket.limit - bucket.used)
      const remaining =
        dialect === 'anthropic' && bucket.counts !== 'one' ? Math.round(left / 1000) * 1000 : Math.floor(left)
      const name = (what: string): string =>
        dialect === 'openai' ? `x-ratelimit-${what}-${header}` : `anthropic-ratelimit-${header}-${what}`
      headers[name('limit')] = String(bucket.limit)
      headers[name('remaining')] = String(remaining)
      headers[name('reset')] = `${Math.ceil((bucket.used / bucket.limit) * (bucket.per ?? MINUTE))}ms`
    }
    return headers
  }
}
