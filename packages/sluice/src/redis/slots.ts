import { createHash } from 'node:crypto'
import type { SlotCoordinator, SlotNews, SlotReply, SlotReport } from '../coordinate/index.ts'
import type { Millis } from '../ground/index.ts'
import { checkNumber } from '../ground/index.ts'
import { redisScript } from './client-script.ts'
import type { RedisPort } from './port.ts'
import { SLOTS_SYNC } from './scripts/slots-sync.ts'

const SCRIPT = redisScript('slots-sync', SLOTS_SYNC)
const STATUS = ['ok', 'unknown', 'refused', 'stale'] as const

export interface RedisSlotsOptions {
  /** Which limit it is: instances that say the same share it. Hashed, so anything may be in it. */
  readonly key: string
  /** How long an instance that is not heard of keeps its slots, in ms. At least 200. Default 2000. */
  readonly lease?: Millis
}

/**
 * Slots shared by all instances that use the same Redis 7 or later, or Valkey, and the same key. One script, the
 * server's clock, no polling. Eviction must be off for its keys: `noeviction` or one of the `volatile-` policies.
 * @throws RangeError for an option out of range
 */
export function redisSlots(port: RedisPort, options: RedisSlotsOptions): SlotCoordinator {
  return new RedisSlots(port, options.key, checkNumber('redisSlots.lease', options.lease ?? 2000, 200, 60_000))
}

/** One who listens, or would like to. */
interface Listening {
  readonly listener: (news: SlotNews) => void
  state: 'off' | 'asking' | 'on'
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
    const { waiting, heads } = report
    // Tried again with each report: where it fails, what is said is not heard, is taken back, and comes with the answer.
    void this.#subscribe(report.session)
    const args = [
      report.session,
      report.life,
      report.seq,
      report.granted,
      report.returned,
      report.limit,
      report.lease,
      report.queue,
      report.strict ? 1 : 0,
      report.leaves ? 1 : 0,
      ...waiting,
      report.spare,
      heads.map(({ priority, age }) => `${priority},${Math.max(0, age).toFixed(3)}`).join(';'),
    ]
    this.#port.run(SCRIPT, this.#keys, args).then(
      (said) => answer(replyOf(said)),
      (error: unknown) => answer(error instanceof Error ? error : new Error(String(error))),
    )
  }

  listen(session: string, listener: (news: SlotNews) => void): () => void {
    const listening: Listening = { listener, state: 'off', stop: undefined }
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
      if (!this.#listening.has(session)) await listening.stop()
    } catch {
      listening.state = 'off'
    }
  }
}

function replyOf(said: unknown): SlotReply | Error {
  const numbers = Array.isArray(said) ? said.map(Number) : []
  if (numbers.length !== 18 || numbers.some(Number.isNaN)) return new Error('redisSlots: an answer that makes no sense')
  const at = (index: number): number => numbers[index]!
  return {
    status: STATUS[at(0)] ?? 'stale',
    life: at(1),
    number: at(2),
    granted: at(3),
    fence: at(4),
    foreign: at(5),
    fair: at(6),
    shed: [at(7), at(8), at(9), at(10)],
    limit: at(11),
    wake: at(12),
    sessions: at(13),
    used: at(14),
    queued: at(15),
    oldest: at(16),
    learning: at(17) === 1,
  }
}

function newsOf(message: string): SlotNews | undefined {
  const numbers = message.split(',').map(Number)
  if (numbers.length !== 10 || numbers.some(Number.isNaN)) return undefined
  const [life = 0, number = 0, granted = 0, fence = 0, foreign = 0, fair = 0, a = 0, b = 0, c = 0, d = 0] = numbers
  return { life, number, granted, fence, foreign, fair, shed: [a, b, c, d] }
}
