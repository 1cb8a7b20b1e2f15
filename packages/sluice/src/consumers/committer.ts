import type { Clock, Millis, Timer } from '../ground/index.ts'
import type { KafkaPort, PartitionOffset } from './kafka-port.ts'
import type { Partition } from './partition.ts'

/** How long to wait after a commit that failed, at least, in ms. */
const AFTER_FAILURE = 1000

/**
 * Commits what is done, a little later and many partitions at once. One commit at a time, so that of two offsets of a
 * partition the lower can never arrive last.
 */
export class Committer {
  readonly #port: KafkaPort
  readonly #clock: Clock
  readonly #interval: Millis
  readonly #onError: (error: unknown) => void
  readonly #dirty = new Set<Partition>()
  #timer: Timer | undefined
  #sending: Promise<void> | undefined
  #failed = false

  constructor(port: KafkaPort, clock: Clock, interval: Millis, onError: (error: unknown) => void) {
    this.#port = port
    this.#clock = clock
    this.#interval = interval
    this.#onError = onError
  }

  /** There may be more to commit. */
  moved(partition: Partition): void {
    this.#dirty.add(partition)
    const wait = this.#failed ? Math.max(AFTER_FAILURE, this.#interval) : this.#interval
    // In the background: a client that was closed without draining is no reason to stay alive.
    this.#timer ??= this.#clock.after(wait, () => void this.#send(), { background: true })
  }

  /** Commits all there is, now. Resolves when the client has answered; a failure is told, not thrown. */
  async flush(): Promise<void> {
    await this.#sending
    await this.#send()
  }

  #send(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = undefined
    if (this.#sending !== undefined) return this.#sending
    const offsets = new Map<Partition, PartitionOffset>()
    for (const partition of this.#dirty) {
      const { topic, number, ledger, revoked, committed } = partition
      const offset = ledger.committable
      if (!revoked && offset !== undefined && offset !== committed)
        offsets.set(partition, { topic, partition: number, offset })
    }
    this.#dirty.clear()
    if (offsets.size === 0) return Promise.resolve()
    this.#sending = this.#attempt(offsets).then(() => {
      this.#sending = undefined
      for (const partition of this.#dirty) this.moved(partition)
    })
    return this.#sending
  }

  async #attempt(offsets: ReadonlyMap<Partition, PartitionOffset>): Promise<void> {
    try {
      await this.#port.commit([...offsets.values()])
      for (const [partition, { offset }] of offsets) partition.committed = offset
      this.#failed = false
    } catch (error) {
      this.#failed = true
      for (const partition of offsets.keys()) this.#dirty.add(partition)
      this.#onError(error)
    }
  }
}
