import { checkNumber, checkWhole, refuseValue, systemClock, type Clock, type Millis } from '../ground/index.ts'
import type { Gate, RunOptions } from '../gate/index.ts'
import type { Tally } from '../observe/index.ts'
import { Watermarks } from '../stream/index.ts'
import { Committer } from './committer.ts'
import type { Drained, DrainOptions } from './consumer-options.ts'
import { Dispatcher, restAfter, type End, type Task } from './dispatcher.ts'
import { drained } from './drained.ts'
import { gated, type Gated } from './gated.ts'
import type { KafkaOptions, KafkaStats, MessageWork } from './kafka-options.ts'
import type { KafkaPort } from './kafka-port.ts'
import type { Delivery } from './ledger.ts'
import { Partition } from './partition.ts'
import { LAST_WORDS, within } from './within.ts'

const LONGEST_DELAY = 30_000

/** Why the work of a partition is called off. */
class RevokedError extends Error {
  override readonly name = 'RevokedError'
}

/** A message as it comes from a client. */
export interface Delivered<M> {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  /** What messages of one partition are ordered by, where they are ordered by key; `undefined` for none. */
  readonly key: string | undefined
  readonly message: M
}

/**
 * A consumer of partitions, whatever the client: a bounded buffer with watermarks for each partition, work through a
 * gate, and offsets that are committed when the work is done and all before it too.
 */
export class PartitionedConsumer<M> implements Gated {
  readonly gate: Gate
  readonly tally: Tally | undefined
  readonly #port: KafkaPort
  readonly #work: MessageWork<M>
  readonly #options: KafkaOptions<M>
  readonly #clock: Clock
  readonly #capacity: number
  readonly #retryDelay: Millis
  readonly #dispatcher: Dispatcher
  readonly #committer: Committer
  readonly #partitions = new Map<string, Partition>()
  /** Told by the client; until then whatever it delivers is taken to be ours. */
  #assigned: ReadonlySet<string> | undefined
  #closed = false
  readonly #counts = { done: 0, givenUp: 0, failed: 0, refused: 0, repeated: 0, revoked: 0 }

  constructor(port: KafkaPort, work: MessageWork<M>, options: KafkaOptions<M>) {
    this.#port = port
    this.#work = work
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#capacity = checkWhole('kafka.buffer', options.buffer ?? 100, 1)
    this.#retryDelay = checkNumber('kafka.retryDelay', options.retryDelay ?? 1000, Number.MIN_VALUE)
    checkNumber('kafka.timeout', options.timeout ?? Infinity, Number.MIN_VALUE, Infinity)
    if (!['partition', 'key', 'none'].includes(options.order ?? 'partition'))
      refuseValue('kafka.order', options.order, 'one of partition, key, none')
    const interval = checkNumber('kafka.commitInterval', options.commitInterval ?? 500, 0)
    this.#committer = new Committer(port, this.#clock, interval, this.#failed)
    const { gate, tally } = gated(options, 'kafka')
    this.gate = gate
    this.tally = tally
    this.#dispatcher = new Dispatcher(gate, this.#clock)
    // Says at once what is wrong with the marks, not with the first message.
    this.#marks()
  }

  get stats(): KafkaStats {
    let unfinished = 0
    let paused = 0
    for (const { ledger, marks } of this.#partitions.values()) {
      unfinished += ledger.size
      if (marks.paused) paused++
    }
    return { unfinished, running: this.#dispatcher.running, paused, ...this.#counts }
  }

  /** Takes a message. Waits, for a client that does not know how to pause, until there is room for the next. */
  deliver(delivered: Delivered<M>): Promise<void> | undefined {
    const { topic, partition: number, offset } = delivered
    const key = keyOf(topic, number)
    if (this.#closed || this.#assigned?.has(key) === false) return undefined
    const partition = this.#partitions.get(key) ?? this.#join(key, topic, number)
    if (!partition.isNew(offset)) {
      this.#counts.repeated++
      return undefined
    }
    const delivery = partition.ledger.add(offset)
    if (partition.marks.rose(partition.ledger.size)) this.#tell('pause', partition)
    this.#dispatcher.add(this.#task(delivered, partition, delivery))
    return partition.ledger.size >= this.#capacity ? partition.room() : undefined
  }

  /** The group has met: these partitions are ours now, and no others. */
  assigned(assignment: readonly { readonly topic: string; readonly partitions: readonly number[] }[]): void {
    const ours = new Set<string>()
    for (const { topic, partitions } of assignment) for (const number of partitions) ours.add(keyOf(topic, number))
    this.#assigned = ours
    for (const [key, partition] of this.#partitions) {
      if (!ours.has(key)) this.#revoke(key, partition)
      else {
        partition.rejoined()
        this.#committer.moved(partition)
        // A client that has begun anew has forgotten.
        if (partition.marks.paused || this.#closed) this.#tell('pause', partition)
      }
    }
  }

  /** Commits what is done. */
  flush(): Promise<void> {
    return this.#committer.flush()
  }

  async drain(options: DrainOptions = {}): Promise<Drained> {
    if (!this.#closed) {
      this.#closed = true
      for (const partition of this.#partitions.values()) if (!partition.marks.paused) this.#tell('pause', partition)
      this.#dispatcher.close()
      for (const partition of this.#partitions.values()) partition.tellRoom()
    }
    const result = await drained(this.#dispatcher, this.#clock, options, () => {
      for (const { controller } of this.#partitions.values())
        controller.abort(new RevokedError('draining took too long'))
    })
    await within(this.#clock, LAST_WORDS, this.#committer.flush())
    return result
  }

  /** A client that is being restarted has nobody to tell; when it is back it says what is assigned, and is told again. */
  #tell(word: 'pause' | 'resume', { topic, number }: Partition): void {
    try {
      this.#port[word](topic, number)
    } catch (error) {
      this.#failed(error)
    }
  }

  #marks(): Watermarks {
    return new Watermarks('kafka', this.#capacity, this.#options.highWater, this.#options.lowWater)
  }

  #join(key: string, topic: string, number: number): Partition {
    const partition = new Partition(topic, number, this.#marks(), this.#port.seeks)
    this.#partitions.set(key, partition)
    return partition
  }

  #revoke(key: string, partition: Partition): void {
    const { topic, number, marks, ledger, controller } = partition
    this.#partitions.delete(key)
    partition.revoked = true
    this.#counts.revoked += ledger.size
    controller.abort(new RevokedError(`${topic} ${number} was assigned to another consumer`))
    // Or it would be paused still when it comes back, and nobody would know.
    if (marks.paused) this.#tell('resume', partition)
    partition.tellRoom()
  }

  #task({ topic, partition: number, key, message }: Delivered<M>, partition: Partition, delivery: Delivery): Task {
    const { order = 'partition', arrivalOf, timeout } = this.#options
    const context = { topic, partition: number }
    let attempts = 0
    return {
      lane: laneOf(order, topic, number, key),
      entry: entryOf(arrivalOf?.(message), topic, partition.controller.signal, timeout),
      get gone() {
        return partition.revoked || delivery.superseded
      },
      perform: (signal) => this.#work(message, { ...context, signal }),
      ended: (end) => {
        if (end.kind === 'done') return this.#done(partition, delivery)
        if (end.kind === 'gone') return undefined
        if (end.kind === 'refused') {
          this.#counts.refused++
          return end.begun ? restAfter(end.rejection) : 0
        }
        this.#counts.failed++
        return this.#judge(end, message, ++attempts, partition, delivery)
      },
    }
  }

  #done(partition: Partition, delivery: Delivery): undefined {
    const { ledger, marks, revoked } = partition
    this.#counts.done++
    ledger.finish(delivery)
    if (revoked) return
    this.#committer.moved(partition)
    if (marks.fell(ledger.size) && !this.#closed) this.#tell('resume', partition)
    if (ledger.size < this.#capacity) partition.tellRoom()
  }

  async #judge(
    { error }: Extract<End, { kind: 'failed' }>,
    message: M,
    attempts: number,
    partition: Partition,
    delivery: Delivery,
  ): Promise<Millis | undefined> {
    this.#failed(error)
    try {
      if ((await this.#options.giveUp?.(error, message, attempts)) === true) {
        this.#counts.givenUp++
        return this.#done(partition, delivery)
      }
    } catch (broken) {
      this.#failed(broken)
    }
    return Math.min(LONGEST_DELAY, this.#retryDelay * 2 ** (attempts - 1))
  }

  readonly #failed = (error: unknown): void => {
    this.#options.onError?.(error)
  }
}

function keyOf(topic: string, partition: number): string {
  return `${topic}:${partition}`
}

function laneOf(
  order: 'partition' | 'key' | 'none',
  topic: string,
  partition: number,
  key: string | undefined,
): string | undefined {
  if (order === 'partition') return keyOf(topic, partition)
  return order === 'none' || key === undefined ? undefined : `${keyOf(topic, partition)}:${key}`
}

function entryOf(
  arrival: RunOptions | undefined,
  flow: string,
  signal: AbortSignal,
  timeout: Millis | undefined,
): RunOptions {
  return { flow, ...arrival, signal, ...(timeout !== undefined && { timeout }) }
}
