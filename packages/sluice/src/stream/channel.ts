import {
  tell,
  checkNumber,
  checkOptions,
  checkWhole,
  refuseValue,
  Source,
  systemClock,
  systemRandom,
  watchAbort,
  type Clock,
  type Pressure,
  type Random,
} from '../ground/index.ts'
import { Chain } from './chain.ts'
import { Lottery } from './lottery.ts'
import { notIn } from './not-in.ts'
import { Ring } from './ring.ts'
import { Sender } from './sender.ts'
import type {
  Channel,
  ChannelOptions,
  ChannelStats,
  DropReason,
  OverflowPolicy,
  PushAnswer,
  RefusalReason,
  SendOptions,
  Taken,
  TakeOptions,
} from './stream.ts'
import { Taker } from './taker.ts'
import { Watermarks } from './watermarks.ts'

const POLICIES: readonly OverflowPolicy[] = ['block', 'reject', 'drop-oldest', 'drop-newest', 'drop-random']
/** Beyond some 30 million the engine keeps arrays as dictionaries. */
const LARGEST = 2 ** 24
const DONE: Taken<never> = Object.freeze({ done: true, value: undefined })
/**
 * A bounded queue between producers and consumers of one process. What happens when it is full is its user's decision:
 * the producer waits, is told, or something is dropped and counted. O(1) at any depth.
 * @throws RangeError for an option out of range; a capacity must be given
 */
export function channel<T>(options: ChannelOptions<T>): Channel<T> {
  return new BoundedChannel(checkOptions('channel', options))
}

class BoundedChannel<T> implements Channel<T> {
  readonly name: string
  readonly capacity: number
  readonly pressure: Source<Pressure>
  readonly #policy: OverflowPolicy
  readonly #marks: Watermarks
  readonly #options: ChannelOptions<T>
  readonly #clock: Clock
  readonly #random: Random
  readonly #senders = new Chain<Sender<T>>()
  readonly #takers = new Chain<Taker<T>>()
  readonly #dropped: Record<DropReason, number> = { oldest: 0, newest: 0, random: 0, aborted: 0 }
  readonly #rejected: Record<RefusalReason, number> = { full: 0, timeout: 0, cancelled: 0, closed: 0 }
  #items: Ring<T> | Lottery<T>
  #pushed = 0
  #taken = 0
  #closed = false
  /** What consumers get when there is nothing left, where that is not simply `done`. */
  #failure: { readonly reason: unknown } | undefined

  constructor(options: ChannelOptions<T>) {
    this.name = options.name ?? 'channel'
    this.capacity = checkWhole('channel.capacity', options.capacity, 1, LARGEST)
    if (!POLICIES.includes(options.policy))
      refuseValue('channel.policy', options.policy, `one of ${POLICIES.join(', ')}`)
    this.#policy = options.policy
    this.#marks = new Watermarks('channel', this.capacity, options.highWater, options.lowWater)
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#random = options.random ?? systemRandom
    this.#items = this.#empty()
    this.pressure = new Source(
      () => ({ level: (this.#items.size + this.#senders.size) / this.capacity, cause: this.name }),
      this.#clock,
    )
  }

  get size(): number {
    return this.#items.size
  }

  get closed(): boolean {
    return this.#closed
  }

  get stats(): ChannelStats {
    return {
      pushed: this.#pushed,
      taken: this.#taken,
      size: this.#items.size,
      senders: this.#senders.size,
      dropped: { ...this.#dropped },
      rejected: { ...this.#rejected },
      takers: this.#takers.size,
    }
  }

  push(item: T): PushAnswer {
    this.#pushed++
    if (this.#closed) return this.#refuse(item, 'closed')
    const taker = this.#takers.shift()
    if (taker !== undefined) {
      this.#taken++
      taker.putAway()
      taker.give({ done: false, value: item })
      return 'ok'
    }
    if (this.#items.size < this.capacity) this.#add(item)
    else if (this.#policy === 'block' || this.#policy === 'reject') return this.#refuse(item, 'full')
    else this.#overflow(item, this.#policy)
    // Asked only now: a listener may have taken enough meanwhile to resume, and nobody would say so again.
    return this.#marks.paused ? 'pause' : 'ok'
  }

  async send(item: T, options: SendOptions = {}): Promise<Exclude<PushAnswer, 'reject'>> {
    const { signal, timeout = Infinity } = options
    checkNumber('send.timeout', timeout, 0, Infinity)
    if (signal?.aborted === true) {
      this.#pushed++
      this.#refuse(item, 'cancelled')
      throw signal.reason
    }
    if (this.#policy !== 'block' || this.#closed || this.#items.size < this.capacity) {
      const reason = this.#closed ? 'closed' : 'full'
      const answer = this.push(item)
      if (answer === 'reject') throw this.#errorFor(reason)
      return answer
    }
    this.#pushed++
    if (timeout === 0) {
      const error = this.#errorFor('timeout')
      this.#refuse(item, 'timeout')
      throw error
    }
    return new Promise((resolve, reject) => {
      const sender = new Sender(item, resolve, reject)
      if (signal !== undefined) {
        sender.signal = signal
        sender.left = (reason): void => this.#giveUp(sender, 'cancelled', reason)
        watchAbort(signal, sender)
      }
      if (timeout < Infinity)
        sender.timer = this.#clock.after(timeout, () => this.#giveUp(sender, 'timeout', this.#errorFor('timeout')))
      this.#senders.append(sender)
      this.pressure.changed()
    })
  }

  take(options: TakeOptions = {}): Promise<Taken<T>> {
    return this.#take(options.signal, undefined)
  }

  tryTake(): Taken<T> | undefined {
    if (this.#items.size > 0) return { done: false, value: this.#shift() }
    if (this.#failure !== undefined) throw this.#failure.reason
    return this.#closed ? DONE : undefined
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#dismissTakers()
  }

  fail(error: unknown): void {
    if (this.#closed) return
    this.#failure = { reason: error }
    this.close()
  }

  abort(reason?: unknown): void {
    // Closed and empty: consumers have been told that all went well.
    if (this.#closed && this.#items.size === 0) return
    this.#closed = true
    this.#failure = { reason: reason ?? this.#errorFor('closed') }
    const items = this.#items
    const senders: Sender<T>[] = []
    for (let sender = this.#senders.shift(); sender !== undefined; sender = this.#senders.shift()) senders.push(sender)
    // Everything counted and settled before any stranger is told, who would otherwise see it half done.
    this.#items = this.#empty()
    this.#dropped.aborted += items.size
    this.#rejected.closed += senders.length
    this.#dismissTakers()
    for (const sender of senders) {
      sender.putAway()
      sender.refuse(this.#failure.reason)
    }
    const { onDrop } = this.#options
    if (onDrop !== undefined) {
      while (items.size > 0) tell(this.#clock, onDrop, items.shift() as T, 'aborted')
      for (const sender of senders) tell(this.#clock, onDrop, sender.item, 'closed')
    }
    this.#fell()
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<T, undefined, void> {
    const party = new Set<Taker<T>>()
    let left = false
    return {
      next: () => (left ? Promise.resolve(DONE) : this.#take(undefined, party)),
      return: () => {
        left = true
        for (const taker of party) {
          this.#takers.remove(taker)
          taker.putAway()
          taker.give(DONE)
        }
        return Promise.resolve(DONE)
      },
      [Symbol.asyncIterator]() {
        return this
      },
    }
  }

  #empty(): Ring<T> | Lottery<T> {
    return this.#policy === 'drop-random' ? new Lottery() : new Ring()
  }

  #add(item: T): void {
    this.#items.push(item)
    if (this.#marks.rose(this.#items.size)) tell(this.#clock, this.#options.onPause)
    this.pressure.changed()
  }

  /** Makes room by losing somebody. */
  #overflow(item: T, policy: 'drop-oldest' | 'drop-newest' | 'drop-random'): void {
    let lost = item
    let reason: DropReason = 'newest'
    if (policy !== 'drop-newest') {
      reason = policy === 'drop-oldest' ? 'oldest' : 'random'
      lost = (this.#items instanceof Lottery ? this.#items.draw(this.#random) : this.#items.shift()) as T
      this.#items.push(item)
    }
    this.#dropped[reason]++
    tell(this.#clock, this.#options.onDrop, lost, reason)
  }

  #refuse(item: T, reason: RefusalReason): 'reject' {
    this.#rejected[reason]++
    tell(this.#clock, this.#options.onDrop, item, reason)
    return 'reject'
  }

  #errorFor(reason: RefusalReason): unknown {
    if (reason === 'closed' && this.#failure !== undefined) return this.#failure.reason
    return notIn(reason, this.name, this.#items.size + this.#senders.size + 1, this.capacity)
  }

  #giveUp(sender: Sender<T>, reason: RefusalReason, error: unknown): void {
    this.#senders.remove(sender)
    sender.putAway()
    sender.refuse(error)
    this.#refuse(sender.item, reason)
    this.pressure.changed()
  }

  #take(signal: AbortSignal | undefined, party: Set<Taker<T>> | undefined): Promise<Taken<T>> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted()
      const taken = this.tryTake()
      if (taken !== undefined) return resolve(taken)
      const taker = new Taker(resolve, reject, party)
      if (signal !== undefined) {
        taker.signal = signal
        taker.left = (reason): void => {
          this.#takers.remove(taker)
          taker.putAway()
          reject(reason)
        }
        watchAbort(signal, taker)
      }
      this.#takers.append(taker)
    })
  }

  /** Takes the oldest out, and lets in whoever has waited longest for its place. */
  #shift(): T {
    const item = this.#items.shift() as T
    this.#taken++
    const sender = this.#senders.shift()
    if (sender !== undefined) {
      sender.putAway()
      this.#items.push(sender.item)
      sender.admit('pause')
    }
    this.#fell()
    return item
  }

  #fell(): void {
    if (this.#marks.fell(this.#items.size)) tell(this.#clock, this.#options.onResume)
    this.pressure.changed()
  }

  /** No item will come for those who wait. */
  #dismissTakers(): void {
    for (let taker = this.#takers.shift(); taker !== undefined; taker = this.#takers.shift()) {
      taker.putAway()
      if (this.#failure === undefined) taker.give(DONE)
      else taker.fail(this.#failure.reason)
    }
  }
}
