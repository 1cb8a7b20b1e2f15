import type { Buffer } from 'node:buffer'
import { checkAble } from '../ground/index.ts'
import { ChannelListeners } from './client-listeners.ts'
import { runScript } from './client-script.ts'
import type { RedisPort } from './port.ts'

interface ScriptInput {
  readonly keys: string[]
  readonly arguments: string[]
}

/** What is used of a client, a Sentinel or a Cluster of the package `redis` (node-redis 5 or 6). */
export interface NodeRedisClient {
  /** Only a client that is one connection has them in sight. */
  readonly options?: { readonly RESP?: unknown } | undefined
  /** What this client puts before keys, though not before channels. */
  readonly _keyPrefix?: string | Buffer | undefined
  withCommandOptions(options: { timeout: number }): NodeRedisCommands
  duplicate(): NodeRedisListener
  sSubscribe(channel: string, listener: (message: string, channel: string) => void): Promise<unknown>
  sUnsubscribe(channel: string): Promise<unknown>
}

/** The commands that are sent. */
export interface NodeRedisCommands {
  evalSha(sha: string, input: ScriptInput): Promise<unknown>
  eval(source: string, input: ScriptInput): Promise<unknown>
  info(section: string): Promise<unknown>
}

/** A second connection, for clients whose first cannot listen and command at once. */
export interface NodeRedisListener {
  sSubscribe(channel: string, listener: (message: string, channel: string) => void): Promise<unknown>
  sUnsubscribe(channel: string): Promise<unknown>
  connect(): Promise<unknown>
  destroy(): unknown
  on(event: 'error', listener: (error: unknown) => void): unknown
}

/**
 * A connected client of node-redis 5 or 6 as a port: one of `createClient`, `createSentinel` or `createCluster`. With
 * `RESP: 3` named in the client's options commands and messages share its connection; else a second one is opened for
 * messages, and closed by `close`. A Sentinel and a Cluster have connections of their own for messages. The client's
 * command timeout is switched off for what is sent here: deadlines are the caller's, and a timer for each command costs
 * node-redis 6 more than half its throughput.
 * @throws RangeError for what is no such client
 */
export function nodeRedis(client: NodeRedisClient): RedisPort {
  return new NodeRedisPort(
    checkAble('nodeRedis.client', client, 'a client of the package redis (node-redis 5 or 6)', 'withCommandOptions'),
  )
}

class NodeRedisPort implements RedisPort {
  readonly #client: NodeRedisClient
  readonly #commands: NodeRedisCommands
  readonly #listeners = new ChannelListeners()
  readonly #prefix: string
  #second: Promise<NodeRedisListener> | undefined

  constructor(client: NodeRedisClient) {
    this.#client = client
    this.#commands = client.withCommandOptions({ timeout: 0 })
    // Scripts get the name of their channel as a key, so with the prefix: there it has to be listened to.
    this.#prefix = client._keyPrefix === undefined ? '' : client._keyPrefix.toString()
  }

  run(...[script, keys, args]: Parameters<RedisPort['run']>): Promise<unknown> {
    const input: ScriptInput = { keys: [...keys], arguments: args.map(String) }
    return runScript(
      () => this.#commands.evalSha(script.sha, input),
      () => this.#commands.eval(script.source, input),
    )
  }

  async subscribe(name: string, listener: (message: string) => void): Promise<() => Promise<void>> {
    const channel = this.#prefix + name
    const connection = await this.#listening()
    try {
      if (this.#listeners.add(channel, listener)) await connection.sSubscribe(channel, this.#tell)
    } catch (error) {
      this.#listeners.remove(channel, listener)
      throw error
    }
    return async () => {
      if (this.#listeners.remove(channel, listener)) await connection.sUnsubscribe(channel)
    }
  }

  async info(section: string): Promise<string> {
    return String(await this.#commands.info(section))
  }

  async close(): Promise<void> {
    const second = await this.#second
    this.#second = undefined
    second?.destroy()
  }

  readonly #tell = (message: string, channel: string): void => this.#listeners.tell(channel, message)

  #listening(): Promise<Pick<NodeRedisListener, 'sSubscribe' | 'sUnsubscribe'>> {
    const client = this.#client
    if (!('options' in client) || client.options?.RESP === 3) return Promise.resolve(client)
    this.#second ??= secondOf(client).catch((error: unknown) => {
      this.#second = undefined
      throw error
    })
    return this.#second
  }
}

async function secondOf(client: NodeRedisClient): Promise<NodeRedisListener> {
  const second = client.duplicate()
  // What befalls the server is told on the client itself; unheard here it would end the process.
  second.on('error', () => {})
  await second.connect()
  return second
}
