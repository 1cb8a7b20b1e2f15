import { checkNumber, checkOptions, refuseValue, systemClock, type Millis, type World } from '../ground/index.ts'
import { fifo, type QueueDiscipline } from '../queue/index.ts'
import { Buckets, type Amounts, type NamedRefill } from './buckets.ts'
import { DefinedGate, type DefineGateOptions } from './define.ts'
import { disciplineOf } from './discipline-of.ts'
import { ForwardTime } from './forward-time.ts'
import type { Entry, Gate, Observer } from './gate.ts'
import { ObservedCore } from './observed.ts'
import { refillOf, type RefillOptions } from './refill.ts'

/** One of several buckets. */
export interface BucketOptions extends RefillOptions {
  /** What an arrival takes of it: its `cost`, or one token whatever it costs. Default `cost`. */
  readonly takes?: 'cost' | 'one'
}

export interface TokenBucketsOptions<B extends string> extends World {
  /** The buckets, by name. At least one. */
  readonly buckets: Readonly<Record<B, BucketOptions>>
  /** Who waits. Default: first in, first out, 1,000 waiters, a minute. */
  readonly queue?: QueueDiscipline
  /** For people, metrics and refusals. Default `token-buckets`. */
  readonly name?: string
  readonly observer?: Observer
}

/** What is left in a bucket. */
export interface BucketStatus {
  /** Tokens at hand; below 0 while in debt. */
  readonly available: number
  readonly capacity: number
  /** How long until it is full if nobody takes any, in ms. */
  readonly fullIn: Millis
}

/** Tokens of some of the buckets, by name; at least 0, at most the capacity. Where none is named, what `takes` says. */
export type TokenAmounts<B extends string> = Readonly<Partial<Record<B, number>>>

/** A gate that lets in at several rates at once. A permit ended with another cost settles the rest. */
export interface TokenBuckets<B extends string> extends Gate {
  /** What is left, by name. */
  status(): Readonly<Record<B, BucketStatus>>
  /** How long until so much is at hand everywhere, in ms, if nobody takes any meanwhile. `Infinity` above a capacity. */
  timeUntil(amounts?: TokenAmounts<B>): Millis
  /** Takes all of it if it is at hand and nobody waits, else nothing. @throws RangeError above a capacity */
  tryTake(amounts?: TokenAmounts<B>): boolean
  /**
   * Waits its turn for all of it.
   * @throws RangeError above a capacity, at once; RejectedError when refused; `signal.reason` when aborted
   */
  take(amounts?: TokenAmounts<B>, entry?: Entry): Promise<void>
  /**
   * Puts tokens into a bucket; below 0 takes them out, into debt if need be. For what became known otherwise: the true
   * usage of a `take`, what somebody else has used, what a provider's header says is left.
   * @throws RangeError for a bucket there is not, or a number that makes no sense
   */
  adjust(bucket: B, by: number): void
}

/**
 * Token buckets that are taken from together: at one instant an arrival takes what it needs of all of them, or nothing of
 * any. So nothing is held of one while waiting for another, and at no time more is let in than each allows. No timer while
 * nobody waits, one while somebody does, for the instant at which all suffice. Clocks as in `tokenBucket`.
 * @throws RangeError for an option out of range
 */
export function tokenBuckets<const B extends string>(options: TokenBucketsOptions<B>): TokenBuckets<B> {
  checkOptions('tokenBuckets', options)
  const { name = 'token-buckets', clock = systemClock, queue = fifo({ capacity: 1000, maxWait: 60_000 }) } = options
  const buckets = Object.entries<BucketOptions>(checkOptions('tokenBuckets.buckets', options.buckets)).map(namedRefill)
  if (buckets.length === 0) throw new RangeError('tokenBuckets.buckets: expected at least one bucket, got none')
  const core = new Buckets({
    name,
    clock,
    time: new ForwardTime(),
    buckets,
    discipline: disciplineOf('tokenBuckets', queue),
  })
  return new BucketsGate<B>(core, buckets, { clock, ...options })
}

function namedRefill([name, options]: readonly [string, BucketOptions]): NamedRefill {
  const field = `tokenBuckets.buckets.${name}`
  const { takes = 'cost' } = checkOptions(field, options)
  if (takes !== 'cost' && takes !== 'one') refuseValue(`${field}.takes`, takes, "'cost' or 'one'")
  return { ...refillOf(field, options), name, takesOne: takes === 'one' }
}

/** More than this is no count of tokens. */
const MOST = Number.MAX_SAFE_INTEGER

class BucketsGate<B extends string> extends DefinedGate implements TokenBuckets<B> {
  readonly #core: Buckets
  readonly #buckets: readonly NamedRefill[]
  readonly #observed: ObservedCore | undefined

  constructor(core: Buckets, buckets: readonly NamedRefill[], options: DefineGateOptions) {
    const watched = options.observer && new ObservedCore(core, options.observer)
    super(watched ?? core, options)
    this.#core = core
    this.#buckets = buckets
    this.#observed = watched
  }

  status(): Readonly<Record<B, BucketStatus>> {
    const { time } = this.#core
    const rows = this.#buckets.map(({ name, capacity, interval }, at) => {
      const available = this.#core.available(at, time)
      return [name, { available, capacity, fullIn: (capacity - available) * interval }]
    })
    return Object.fromEntries(rows) as Record<B, BucketStatus>
  }

  timeUntil(amounts?: TokenAmounts<B>): Millis {
    const own = this.#amounts(amounts)
    if (this.#buckets.some(({ name, capacity }) => (own?.[name] ?? 0) > capacity)) return Infinity
    return this.#core.timeUntil(1, own, this.#core.time)
  }

  tryTake(amounts?: TokenAmounts<B>): boolean {
    const arrival: Entry = {}
    const entered = this.#core.request(arrival, false, this.#amounts(amounts))
    return (this.#observed?.tell(arrival, entered) ?? entered).admitted === true
  }

  async take(amounts?: TokenAmounts<B>, entry: Entry = {}): Promise<void> {
    entry.signal?.throwIfAborted()
    const entered = this.#core.request(entry, true, this.#amounts(amounts))
    await this.admission(this.#observed?.tell(entry, entered) ?? entered, entry)
  }

  adjust(bucket: B, by: number): void {
    this.#checkName('tokenBuckets.adjust', bucket)
    this.#core.adjust(bucket, checkNumber(`tokenBuckets.adjust.${bucket}`, by, -MOST, MOST))
  }

  /** A copy, so that changing it while somebody waits changes nothing. */
  #amounts(amounts: TokenAmounts<B> | undefined): Amounts | undefined {
    if (amounts === undefined) return undefined
    const own: Record<string, number> = {}
    for (const [name, amount] of Object.entries<number | undefined>(amounts)) {
      this.#checkName('amounts', name)
      if (amount !== undefined) own[name] = checkNumber(`amounts.${name}`, amount, 0)
    }
    return own
  }

  #checkName(field: string, name: string): void {
    if (this.#buckets.some((bucket) => bucket.name === name)) return
    refuseValue(field, name, `one of ${this.#buckets.map((bucket) => bucket.name).join(', ')}`)
  }
}
