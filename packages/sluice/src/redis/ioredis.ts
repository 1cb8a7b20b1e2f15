import { ChannelListeners } from './client-listeners.ts'
import { runScript } from './client-script.ts'
import type { RedisPort } from './port.ts'

/** What is used of a client of the package `ioredis` (5 or 6). */
export interface IoRedisClient extends IoRedisListener {
  readonly options: { readonly protocol?: unknown }
  evalsha(sha: string, keys: number, ...rest: string[]): Promise<unknown>
  eval(source: string, keys: number, ...rest: string[]): Promise<unknown>
  info(section: string): Promise<string>
  duplicate(): IoRedisListener
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
 * a second one is opened for messages, and closed by `close`.
 */
export function ioRedis(client: IoRedisClient): RedisPort {
  return new IoRedisPort(client)
}

class IoRedisPort implements RedisPort {
  readonly #client: IoRedisClient
  readonly #listeners = new ChannelListeners()
  #listening: IoRedisListener | undefined

  constructor(client: IoRedisClient) {
    this.#client = client
  }

  run(...[script, keys, args]: Parameters<RedisPort['run']>): Promise<unknown> {
    const rest = [...keys, ...args.map(String)]
    return runScript(
      () => this.#client.evalsha(script.sha, keys.length, ...rest),
      () => this.#client.eval(script.source, keys.length, ...rest),
    )
  }

  async subscribe(channel: string, listener: (message: string) => void): Promise<() => Promise<void>> {
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
    if (listening !== this.#client) listening?.disconnect()
    return Promise.resolve()
  }

  readonly #tell = (channel: string, message: string): void => this.#listeners.tell(channel, message)

  #connection(): IoRedisListener {
    if (this.#listening !== undefined) return this.#listening
    if (this.#client.options.protocol === 3) this.#listening = this.#client
    else {
      this.#listening = this.#client.duplicate()
      // What befalls the server is told on the client itself; here it would only be printed.
      this.#listening.on('error', () => {})
    }
    this.#listening.on('smessage', this.#tell)
    return this.#listening
  }
}
