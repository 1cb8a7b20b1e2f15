// A pool of connections without a server, on a clock that is moved by hand.
import type { Clock, Millis } from '../../src/index.ts'
import type { PoolPort } from '../../src/pools/pg.ts'

/** A connection that counts who uses it. */
export interface FakeClient {
  readonly id: number
  holders: number
  closed: boolean
}

/** How the fake pool behaves: in ms, and by chance. */
export interface FakePoolOptions {
  readonly size: number
  readonly clock: Clock
  readonly takes?: () => Millis
  readonly prepares?: () => Millis
  readonly closes?: () => Millis
  /** True when the next connection cannot be opened. */
  readonly fails?: () => boolean
}

export class FakePool implements PoolPort<FakeClient> {
  readonly size: number
  readonly #options: FakePoolOptions
  readonly #idle: FakeClient[] = []
  readonly #prepared = new WeakSet<FakeClient>()
  #ids = 0
  /** Connections there are, at most so many at once so far. */
  open = 0
  most = 0
  /** Two had the same connection at once. */
  shared = 0
  cancels = 0
  ended = false

  constructor(options: FakePoolOptions) {
    this.size = options.size
    this.#options = options
  }

  async take(): Promise<FakeClient> {
    const client = this.#idle.pop() ?? this.#connect()
    await this.#after(this.#options.takes?.() ?? 0)
    if (client.holders === 0 && this.#options.fails?.() === true) {
      this.open--
      throw new Error('no such server')
    }
    if (++client.holders > 1) this.shared++
    return client
  }

  #connect(): FakeClient {
    this.open++
    this.most = Math.max(this.most, this.open)
    return { id: ++this.#ids, holders: 0, closed: false }
  }

  give(client: FakeClient): void {
    if (--client.holders < 0) throw new Error('released twice')
    this.#idle.push(client)
  }

  async close(client: FakeClient): Promise<void> {
    client.holders--
    client.closed = true
    await this.#after(this.#options.closes?.() ?? 0)
    this.open--
  }

  prepare(client: FakeClient): Promise<void> | undefined {
    if (this.#options.prepares === undefined || this.#prepared.has(client)) return undefined
    return this.#after(this.#options.prepares()).then(() => void this.#prepared.add(client))
  }

  async cancel(_client: FakeClient): Promise<void> {
    this.cancels++
    await this.#after(1)
  }

  async end(): Promise<void> {
    this.ended = true
  }

  #after(delay: Millis): Promise<void> {
    return delay === 0 ? Promise.resolve() : new Promise((resolve) => this.#options.clock.after(delay, resolve))
  }
}
