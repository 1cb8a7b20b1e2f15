import { setTimeout as delay } from 'node:timers/promises'
import { createClient } from 'redis'
import {
  nodeRedis,
  redisBuckets,
  redisSlots,
  type BucketsCoordinator,
  type RedisPort,
  type SlotCoordinator,
} from 'sluice/redis'
import type { RedisConfig } from '../config/index.ts'

/** The Redis that limits of the fleet are kept in: one connection for all of them. */
export class FleetStore {
  readonly #config: RedisConfig
  readonly #client: ReturnType<typeof clientOf>
  readonly #port: RedisPort
  /** Settles when it is connected, or when that has failed once, or takes too long. */
  readonly reached: Promise<void>
  #users = 0
  #trouble = 'no answer yet'

  constructor(config: RedisConfig) {
    this.#config = config
    this.#client = clientOf(config.url)
    // Of all addresses of a name only the code says what was wrong. Unheard it would end the process.
    this.#client.on('error', (error: NodeJS.ErrnoException) => (this.#trouble = error.message || `${error.code}`))
    this.#port = nodeRedis(this.#client)
    this.reached = new Promise((resolve) => {
      this.#client.once('ready', () => resolve())
      this.#client.once('error', () => resolve())
      setTimeout(resolve, PATIENCE).unref()
    })
    // A gateway starts without its Redis, too: until it is there the policy of each limit decides.
    this.#client.connect().catch(() => {})
  }

  /** Known without anybody having come: whoever connects has asked, and asks again until there is an answer. */
  get trouble(): string | undefined {
    return this.#client.isReady ? undefined : this.#trouble
  }

  /** The slots of a limit. */
  slots(limit: string): SlotCoordinator {
    this.#users++
    return redisSlots(this.#port, { key: `${this.#config.prefix}:${limit}`, lease: this.#config.lease })
  }

  /** The buckets of all limits; their names tell them apart. */
  buckets(): BucketsCoordinator {
    this.#users++
    return redisBuckets(this.#port)
  }

  /** What a limit's name is in the store. */
  nameOf(limit: string): string {
    return `${this.#config.prefix}:${limit}`
  }

  /** One that used it has ended; with the last the connection goes, once what it said is on its way. */
  async release(): Promise<void> {
    if (--this.#users > 0) return
    const client = this.#client
    if (client.isReady) await Promise.race([client.close(), delay(PATIENCE, undefined, { ref: false })]).catch(() => {})
    await this.#port.close().catch(() => {})
    if (client.isOpen) client.destroy()
  }
}

/** For the last words to a store that may be gone, in ms. */
const PATIENCE = 500

/** The longest pause between two attempts to connect, in ms. */
const LONGEST_PAUSE = 1000

function clientOf(url: string) {
  return createClient({
    url,
    RESP: 3,
    // What cannot be asked now is answered by the policy; asked later it would be a lie.
    disableOfflineQueue: true,
    socket: {
      connectTimeout: 1000,
      reconnectStrategy: (attempts) =>
        Math.min(LONGEST_PAUSE, 50 * 2 ** Math.min(attempts, 8)) * (0.75 + Math.random() / 2),
    },
  })
}
