import { checkAble } from '../ground/index.ts'
import { ChannelListeners } from './client-listeners.ts'
import { runScript } from './client-script.ts'
import type { RedisPort } from './port.ts'

interface IoRedisCommands {
  evalsha(sha: string, keys: number, ...rest: string[]): Promise<unknown>
  eval(source: string, keys: number, ...rest: string[]): Promise<unknown>
  info(section: string): Promise<string>
}

interface Corkable {
  cork(): void
  uncork(): void
}

/** Commands that go to the server in one piece. */
const PIECE = 16

/** What is used of a `Redis` of the package `ioredis` (5 or 6), with or without Sentinels. */
export interface IoRedisClient extends IoRedisListener, IoRedisCommands {
  readonly options: { readonly protocol?: unknown; readonly keyPrefix?: string | undefined }
  readonly isCluster: boolean
  /** What it writes to, once it has begun to connect. */
  readonly stream?: Corkable | undefined
  duplicate(options?: { keyPrefix: string }): IoRedisListener
}

/** What is used of a `Cluster` of the package `ioredis` (5.8 or later). */
export interface IoRedisCluster extends IoRedisListener, IoRedisCommands {
  readonly options: { readonly shardedSubscribers?: boolean | undefined; readonly keyPrefix?: string | undefined }
  readonly isCluster: boolean
  duplicate(nodes: never[], options: { shardedSubscribers: boolean; keyPrefix: string }): IoRedisListener
}

/** The connection that listens. */
export interface IoRedisListener {
  ssubscribe(channel: string): Promise<unknown>
  sunsubscribe(channel: string): Promise<unknown>
  on(event: 'error', listener: (error: unknown) => void): unknown
  on(event: 'smessage', listener: (channel: string, message: string) => void): unknown
  off(event: 'smessage', listener: (channel: string, message: string) => void): unknown
  disconnect(): void
}

/**
 * A client of ioredis 5 or 6 as a port. With RESP 3 (the default of 6) commands and messages share its connection; else
 * a second one is opened for messages, and closed by `close`. A Cluster listens itself where its `shardedSubscribers`
 * are on, as here they should be; else a second Cluster is opened for messages. So it is for any client with a prefix
 * for keys. Before 5.11 a Cluster with automatic pipelining routes EVALSHA by the hash of the script and fails (issue
 * 2109 of ioredis): leave it off, or name `evalsha` and `eval` in `autoPipeliningIgnoredCommands`.
 * @throws RangeError for what is no such client
 */
export function ioRedis(client: IoRedisClient | IoRedisCluster): RedisPort {
  return new IoRedisPort(
    checkAble('ioRedis.client', client, 'a client of the package ioredis (5 or 6)', 'evalsha', 'ssubscribe'),
  )
}

class IoRedisPort implements RedisPort {
  readonly #client: IoRedisClient | IoRedisCluster
  readonly #listeners = new ChannelListeners()
  readonly #prefix: string
  #listening: IoRedisListener | undefined
  #piece: { readonly stream: Corkable; commands: number } | undefined

  constructor(client: IoRedisClient | IoRedisCluster) {
    this.#client = client
    this.#prefix = client.options.keyPrefix ?? ''
  }

  run(...[script, keys, args]: Parameters<RedisPort['run']>): Promise<unknown> {
    const rest = [...keys, ...args.map(String)]
    this.#cork()
    return runScript(
      () => this.#client.evalsha(script.sha, keys.length, ...rest),
      () => this.#client.eval(script.source, keys.length, ...rest),
    )
  }

  async subscribe(name: string, listener: (message: string) => void): Promise<() => Promise<void>> {
    // Scripts get the name of their channel as a key, so with the prefix: there it has to be listened to.
    const channel = this.#prefix + name
    const connection = this.#connection()
    try {
      if (this.#listeners.add(channel, listener)) await connection.ssubscribe(channel)
    } catch (error) {
      this.#listeners.remove(channel, listener)
      throw error
    }
    return async () => {
      if (this.#listeners.remove(channel, listener)) await connection.sunsubscribe(channel)
    }
  }

  info(section: string): Promise<string> {
    return this.#client.info(section)
  }

  close(): Promise<void> {
    const listening = this.#listening
    this.#listening = undefined
    listening?.off('smessage', this.#tell)
    if (listening !== undefined && listening !== this.#client) endOf(listening)
    return Promise.resolve()
  }

  /**
   * What is sent in one turn of the event loop goes in pieces: ioredis makes a call to the system for each command. Not all
   * of it in one, or the server has nothing to do while this process writes, and this one nothing while the server answers.
   */
  #cork(): void {
    if (this.#piece !== undefined) {
      const { stream } = this.#piece
      if (this.#piece.commands++ % PIECE > 0) return
      stream.uncork()
      return stream.cork()
    }
    const stream = 'stream' in this.#client ? this.#client.stream : undefined
    if (stream === undefined) return
    this.#piece = { stream, commands: 1 }
    stream.cork()
    process.nextTick(() => {
      this.#piece = undefined
      stream.uncork()
    })
  }

  readonly #tell = (channel: string, message: string): void => this.#listeners.tell(channel, message)

  #connection(): IoRedisListener {
    if (this.#listening !== undefined) return this.#listening
    this.#listening = listenerOf(this.#client)
    // What befalls the server is told on the client itself; here it would only be printed.
    if (this.#listening !== this.#client) this.#listening.on('error', () => {})
    this.#listening.on('smessage', this.#tell)
    return this.#listening
  }
}

function listenerOf(client: IoRedisClient | IoRedisCluster): IoRedisListener {
  // A client with a prefix listens to `p:p:channel` once it has been away: it puts the prefix before what has it already.
  const keyPrefix = ''
  const prefixed = (client.options.keyPrefix ?? '') !== ''
  if (!isCluster(client)) return client.options.protocol === 3 && !prefixed ? client : client.duplicate({ keyPrefix })
  if (client.options.shardedSubscribers === true && !prefixed) return client
  return client.duplicate([], { shardedSubscribers: true, keyPrefix })
}

/**
 * A Cluster of ioredis (6.0.0, 5.11.1) that is asking for its slots when it is disconnected sets the timer of the next time
 * all the same, again and again: the process would never end.
 */
function endOf(listening: IoRedisListener & { refreshSlotsCache?: () => void }): void {
  listening.disconnect()
  if (listening.refreshSlotsCache !== undefined) listening.refreshSlotsCache = () => {}
}

function isCluster(client: IoRedisClient | IoRedisCluster): client is IoRedisCluster {
  return client.isCluster
}
