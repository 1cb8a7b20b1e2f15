import {
  checkWhole,
  refuseValue,
  RejectedError,
  Rejection,
  systemClock,
  type Clock,
  type Instant,
} from '../ground/index.ts'
import { frame, type Format } from './frame.ts'
import { noLosses } from './losses.ts'
import type { LossReason, Reader, ReaderStats } from './reader.ts'

export interface HubOptions {
  /** How many readers it feeds at once. A whole number of at least 1. Default 65,536. */
  readonly maxReaders?: number
  /** For people and refusals. Default `hub`. */
  readonly name?: string
  readonly clock?: Clock
}

/** A reading, over the readers of now and those of before. */
export interface HubStats {
  readonly readers: number
  /** Topics somebody reads. */
  readonly topics: number
  /** Messages published, whether anybody read them or not. */
  readonly published: number
  /** How often a message was encoded: once for each format its readers have. */
  readonly encoded: number
  /** Messages handed to sockets. */
  readonly sent: number
  /** Messages that wait for sockets, each counted for every reader it waits for. */
  readonly waiting: number
  /** The same in bytes, though readers share them: what is in memory is less. */
  readonly waitingBytes: number
  readonly dropped: Readonly<Record<LossReason, number>>
}

/** Feeds many readers. */
export interface Hub<T> {
  readonly stats: HubStats
  /**
   * From now on the reader gets what is published on the topic, until it ends or the result is disposed.
   * @throws RangeError for a reader with the policy `block`: nobody waits for one of many. RejectedError with code
   * `limit_exceeded` when there are `maxReaders`, `closed` after `close`
   */
  subscribe(topic: string, reader: Reader<T>): Disposable
  /**
   * Hands a message to every reader of the topic. Never waits: each reader is treated by its own policy.
   * @returns how many have it, or have it waiting
   * @throws what a format says of a message it cannot encode; then no reader has it
   */
  publish(topic: string, message: T): number
  /** How many read the topic. */
  readers(topic: string): number
  /** Disconnects everybody. @param reason default `closing` */
  close(reason?: string): void
}

/** What it knows of one reader. */
interface Subscriber {
  readonly topics: Set<string>
  readonly watching: Disposable
}

/**
 * Publishes by topic to any number of readers. A message is encoded once for each format, however many read it; a reader
 * that does not keep up has a bounded buffer of its own, and slows nobody.
 * @throws RangeError for an option out of range
 */
export function hub<T>(options: HubOptions = {}): Hub<T> {
  return new Exchange(options)
}

class Exchange<T> implements Hub<T> {
  readonly #name: string
  readonly #maxReaders: number
  readonly #clock: Clock
  /** By topic and format: those who share a format share the bytes. A topic nobody reads is not in it. */
  readonly #topics = new Map<string, Map<Format<T>, Set<Reader<T>>>>()
  readonly #subscribers = new Map<Reader<T>, Subscriber>()
  readonly #past: Totals = noTotals()
  #published = 0
  #encoded = 0
  #closed = false

  constructor(options: HubOptions) {
    this.#name = options.name ?? 'hub'
    this.#maxReaders = checkWhole('hub.maxReaders', options.maxReaders ?? 65_536, 1)
    this.#clock = options.clock ?? systemClock
  }

  get stats(): HubStats {
    const totals = { ...noTotals(), waiting: 0, waitingBytes: 0 }
    add(totals, this.#past)
    for (const reader of this.#subscribers.keys()) {
      const { stats } = reader
      add(totals, stats)
      totals.waiting += stats.waiting
      totals.waitingBytes += stats.waitingBytes
    }
    return {
      readers: this.#subscribers.size,
      topics: this.#topics.size,
      published: this.#published,
      encoded: this.#encoded,
      ...totals,
    }
  }

  subscribe(topic: string, reader: Reader<T>): Disposable {
    if (reader.policy === 'block') refuseValue('hub.reader', 'block', 'a reader that nobody waits for')
    if (this.#closed) throw new RejectedError(new Rejection('closed', this.#name, 1, 0))
    const subscriber = this.#subscribers.get(reader) ?? this.#enter(reader)
    subscriber.topics.add(topic)
    let formats = this.#topics.get(topic)
    if (formats === undefined) this.#topics.set(topic, (formats = new Map()))
    const readers = formats.get(reader.format)
    if (readers === undefined) formats.set(reader.format, new Set([reader]))
    else readers.add(reader)
    // It may have been over before it came.
    if (reader.closed) this.#leave(reader)
    return { [Symbol.dispose]: () => this.#unsubscribe(topic, reader) }
  }

  publish(topic: string, message: T): number {
    this.#published++
    const formats = this.#topics.get(topic)
    if (formats === undefined) return 0
    const at: Instant = this.#clock.now()
    // All of them before anybody gets one.
    const frames = [...formats].map(([format, readers]) => ({ readers, frame: frame(format, message, at) }))
    this.#encoded += frames.length
    let reached = 0
    for (const { readers, frame } of frames)
      for (const reader of readers) if (reader.offer(frame) !== 'reject') reached++
    return reached
  }

  readers(topic: string): number {
    let count = 0
    for (const readers of this.#topics.get(topic)?.values() ?? []) count += readers.size
    return count
  }

  close(reason = 'closing'): void {
    this.#closed = true
    for (const reader of this.#subscribers.keys()) reader.disconnect(reason)
  }

  /** @throws RejectedError when there are enough */
  #enter(reader: Reader<T>): Subscriber {
    const { size } = this.#subscribers
    if (size >= this.#maxReaders)
      throw new RejectedError(new Rejection('limit_exceeded', this.#name, size + 1, this.#maxReaders))
    const subscriber = { topics: new Set<string>(), watching: reader.onEnd(() => this.#leave(reader)) }
    this.#subscribers.set(reader, subscriber)
    // What it did before is not ours.
    add(this.#past, reader.stats, -1)
    return subscriber
  }

  #unsubscribe(topic: string, reader: Reader<T>): void {
    const subscriber = this.#subscribers.get(reader)
    if (subscriber?.topics.delete(topic) !== true) return
    const formats = this.#topics.get(topic)!
    const readers = formats.get(reader.format)!
    readers.delete(reader)
    if (readers.size === 0) formats.delete(reader.format)
    if (formats.size === 0) this.#topics.delete(topic)
    if (subscriber.topics.size === 0) this.#leave(reader)
  }

  #leave(reader: Reader<T>): void {
    const subscriber = this.#subscribers.get(reader)
    if (subscriber === undefined) return
    for (const topic of subscriber.topics) this.#unsubscribe(topic, reader)
    if (!this.#subscribers.delete(reader)) return
    subscriber.watching[Symbol.dispose]()
    add(this.#past, reader.stats)
  }
}

/** What is summed over readers, those who have left too. */
interface Totals {
  sent: number
  readonly dropped: Record<LossReason, number>
}

function noTotals(): Totals {
  return { sent: 0, dropped: noLosses() }
}

function add(totals: Totals, more: Totals | ReaderStats, sign: 1 | -1 = 1): void {
  totals.sent += sign * more.sent
  for (const [reason, count] of Object.entries(more.dropped)) totals.dropped[reason as LossReason] += sign * count
}
