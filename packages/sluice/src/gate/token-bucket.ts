import { checkOptions, systemClock, type Millis, type World } from '../ground/index.ts'
import { fifo, type QueueDiscipline } from '../queue/index.ts'
import { Bucket, BucketExtras } from './bucket.ts'
import { DefinedGate, type DefineGateOptions } from './define.ts'
import { disciplineOf } from './discipline-of.ts'
import { ForwardTime } from './forward-time.ts'
import type { Entry, Gate, Observer } from './gate.ts'
import { ObservedCore } from './observed.ts'
import { refillOf, type RefillOptions } from './refill.ts'

export interface TokenBucketOptions extends World, RefillOptions {
  /** Who waits for tokens instead of being refused. Default: nobody but callers of `take`. */
  readonly queue?: QueueDiscipline
  /** For people, metrics and refusals. Default `token-bucket`. */
  readonly name?: string
  readonly observer?: Observer
}

/** A gate that lets in at a rate. An arrival takes `cost` tokens; a permit ended with another cost settles the rest. */
export interface TokenBucket extends Gate {
  /** Tokens at hand now; below 0 while it is in debt for an estimate that was too low. */
  readonly available: number
  /** How long until `tokens` are at hand, in ms, if nobody takes any meanwhile. `Infinity` above the capacity. */
  timeUntil(tokens: number): Millis
  /** Takes `tokens` (default 1) if they are at hand and nobody waits. @throws RangeError above the capacity */
  tryTake(tokens?: number): boolean
  /**
   * Waits its turn for `tokens` (default 1).
   * @throws RangeError above the capacity, at once; RejectedError when refused; `signal.reason` when aborted
   */
  take(tokens?: number, entry?: Omit<Entry, 'cost'>): Promise<void>
}

/** Who waits in `take` where the bucket has no queue of its own: a thousand callers, a day at most. */
const TAKERS = fifo({ capacity: 1000, maxWait: 86_400_000 })

/**
 * Lets in `tokens` per `per`, and bursts up to `capacity`. No timer while nobody waits and no drift. A clock that jumps
 * forward is worth one full bucket at most; one that jumps back changes nothing.
 * @throws RangeError for an option out of range
 */
export function tokenBucket(options: TokenBucketOptions): TokenBucket {
  const { name = 'token-bucket', clock = systemClock, queue } = checkOptions('tokenBucket', options)
  const refill = refillOf('tokenBucket', options)
  const core = new Bucket({
    name,
    clock,
    time: new ForwardTime(),
    ...refill,
    discipline: disciplineOf('tokenBucket', queue ?? TAKERS),
    patient: queue !== undefined,
    extras: new BucketExtras(),
  })
  return new BucketGate(core, refill.capacity, { clock, ...options })
}

/**
 * Lets in at an even pace, `per / tokens` ms apart, never two at once: the leaky bucket as a queue. Whoever comes too
 * early waits its turn. Default queue: first in, first out, 1,000 waiters, 3 s.
 * @throws RangeError for an option out of range
 */
export function leakyBucket(options: Omit<TokenBucketOptions, 'capacity'>): TokenBucket {
  return tokenBucket({ name: 'leaky-bucket', queue: fifo(), ...checkOptions('leakyBucket', options), capacity: 1 })
}

class BucketGate extends DefinedGate implements TokenBucket {
  readonly #bucket: Bucket
  readonly #capacity: number
  readonly #observed: ObservedCore | undefined

  constructor(bucket: Bucket, capacity: number, options: DefineGateOptions) {
    const watched = options.observer && new ObservedCore(bucket, options.observer)
    super(watched ?? bucket, options)
    this.#bucket = bucket
    this.#capacity = capacity
    this.#observed = watched
  }

  get available(): number {
    return this.#bucket.available(this.#bucket.time)
  }

  timeUntil(tokens: number): Millis {
    return tokens > this.#capacity ? Infinity : this.#bucket.timeUntil(tokens, this.#bucket.time)
  }

  tryTake(tokens: number = 1): boolean {
    return this.#observed === undefined ? this.#bucket.spend(tokens) : this.tryEnter({ cost: tokens }).admitted
  }

  async take(tokens: number = 1, entry: Omit<Entry, 'cost'> = {}): Promise<void> {
    entry.signal?.throwIfAborted()
    const arrival: Entry = { ...entry, cost: tokens }
    const entered = this.#bucket.request(arrival, true)
    await this.admission(this.#observed?.tell(arrival, entered) ?? entered, arrival)
  }
}
