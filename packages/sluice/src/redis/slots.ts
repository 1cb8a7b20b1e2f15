import { createHash } from 'node:crypto'
import type { SlotCoordinator, SlotNews, SlotReply, SlotReport } from '../coordinate/index.ts'
import type { Millis } from '../ground/index.ts'
import { checkAble, checkNumber, checkOptions, checkText } from '../ground/index.ts'
import { redisScript } from './client-script.ts'
import type { RedisPort } from './port.ts'
import { SLOTS_SYNC } from './scripts/slots-sync.ts'

const SCRIPT = redisScript('slots-sync', SLOTS_SYNC)
/** Numbers of an answer that are of the whole limit, and of a message, before the turns. */
const [STATE, NEWS] = [10, 15]
const NO_TURNS: readonly number[] = []
type Numbers = readonly [number, number, number, number, number, number, number, number, number, number]
/** What a server says that will not say otherwise by itself: a user who may not, a version too old. */
const FORBIDDEN = /^(?:NOPERM|ERR unknown command)/i
const STATUS = ['ok', 'unknown', 'refused', 'stale'] as const

export interface RedisSlotsOptions {
  /** Which limit it is: instances that say the same share it. Hashed, so anything may be in it, but not nothing. */
  readonly key: string
  /** How long an instance that is not heard of keeps its slots, in ms. At least 200. Default 2000. */
  readonly lease?: Millis
}

/**
 * Slots shared by all instances that use the same Redis 7 or later, or Valkey, and the same key. One script, the
 * server's clock, no polling. Eviction must be off (`noeviction`): every key has an end, so the `volatile-` policies take
 * them as well. Where that happens nothing is granted for a lease.
 * @throws RangeError for an option out of range
 */
export function redisSlots(port: RedisPort, options: RedisSlotsOptions): SlotCoordinator {
  checkAble('redisSlots.port', port, 'nodeRedis(…) or ioRedis(…)', 'run', 'subscribe')
  const { key, lease = 2000 } = checkOptions('redisSlots', options)
  return new RedisSlots(port, checkText('redisSlots.key', key), checkNumber('redisSlots.lease', lease, 200, 60_000))
}

/** One who listens, or would like to. */
interface Listening {
  readonly listener: (news: SlotNews) => void
  state: 'off' | 'asking' | 'on'
  /** Why the server would not let it. */
  refused: Error | undefined
  stop: (() => Promise<void>) | undefined
}

class RedisSlots implements SlotCoordinator {
  readonly lease: Millis
  readonly #listening = new Map<string, Listening>()
  readonly #port: RedisPort
  readonly #keys: readonly string[]

  constructor(port: RedisPort, key: string, lease: Millis) {
    this.#port = port
    this.lease = lease
    const tag = `sl1:{${createHash('sha1').update(key).digest('hex')}}`
    this.#keys = [`${tag}:m`, `${tag}:s`, `${tag}:c`]
  }

  sync(report: SlotReport, answer: (reply: SlotReply | Error) => void): void {
    // Tried again with each report: where it fails, what is said is not heard, is taken back, and comes with the answer.
    const listening = this.#listening.get(report.session)
    if (listening?.state === 'off') void this.#subscribe(report.session)
    // For good that would be polling, and nobody would know why.
    if (listening?.refused !== undefined) return answer(listening.refused)
    this.#port.run(SCRIPT, this.#keys, [said(report)]).then(
      (reply) => answer(replyOf(reply)),
      (error: unknown) => answer(error instanceof Error ? error : new Error(String(error))),
    )
  }

  listen(session: string, listener: (news: SlotNews) => void): () => void {
    const listening: Listening = { listener, state: 'off', refused: undefined, stop: undefined }
    this.#listening.set(session, listening)
    void this.#subscribe(session)
    return () => {
      this.#listening.delete(session)
      void listening.stop?.().catch(() => {})
    }
  }

  async #subscribe(session: string): Promise<void> {
    const listening = this.#listening.get(session)
    if (listening?.state !== 'off') return
    listening.state = 'asking'
    const heard = (message: string): void => {
      const news = newsOf(message)
      if (news !== undefined) listening.listener(news)
    }
    try {
      listening.stop = await this.#port.subscribe(`${this.#keys[2]}:${session}`, heard)
      listening.state = 'on'
      listening.refused = undefined
      if (!this.#listening.has(session)) await listening.stop()
    } catch (error) {
      listening.state = 'off'
      const why = String(error instanceof Error ? error.message : error)
      if (FORBIDDEN.test(why)) listening.refused = new Error(`redisSlots: messages cannot be listened to: ${why}`)
    }
  }
}

/** A report in the order of the script. */
function said(report: SlotReport): string {
  const { session, life, seq, granted, returned, limit, lease, queue, strict, shares, leaves, waiting, spare } = report
  const order = shares ?? +strict
  const list = [session, life, seq, granted, returned, limit, lease, queue, order, +leaves, ...waiting, spare]
  for (const { priority, line, weight, cost, count, age } of report.demand)
    list.push(priority, line, weight, cost, count, Math.max(0, Math.round(age * 1000) / 1000))
  return JSON.stringify(list)
}

/** What the script says, where it is a list of at least so many numbers. */
function numbersOf(said: unknown, least: number): readonly number[] | undefined {
  try {
    const numbers: unknown = typeof said === 'string' ? JSON.parse(said) : undefined
    if (!Array.isArray(numbers) || numbers.length < least) return undefined
    return numbers.every((each) => typeof each === 'number') ? numbers : undefined
  } catch {
    return undefined
  }
}

function replyOf(reply: unknown): SlotReply | Error {
  const numbers = numbersOf(reply, STATE + NEWS)
  if (numbers === undefined) return new Error('redisSlots: an answer that makes no sense')
  const [status, limit, wake, sessions, a, b, c, d, oldest, learning] = numbers as Numbers
  return {
    ...newsFrom(numbers, STATE),
    status: STATUS[status] ?? 'stale',
    limit,
    wake,
    sessions,
    waiters: [a, b, c, d],
    oldest,
    learning: learning === 1,
  }
}

function newsOf(message: string): SlotNews | undefined {
  const numbers = numbersOf(message, NEWS)
  return numbers === undefined ? undefined : newsFrom(numbers, 0)
}

function newsFrom(numbers: readonly number[], from: number): SlotNews {
  const at = (index: number): number => numbers[from + index]!
  return {
    life: at(0),
    number: at(1),
    granted: at(2),
    fence: at(3),
    foreign: at(4),
    fair: at(5),
    shed: [at(6), at(7), at(8), at(9)],
    level: at(10),
    used: at(11),
    queued: at(12),
    until: at(13),
    named: at(14),
    turns: numbers.length > from + NEWS ? numbers.slice(from + NEWS) : NO_TURNS,
  }
}
