import type { Clock, Millis } from '../ground/index.ts'
import { pgCancel } from './pg-cancel.ts'
import { pgFault } from './pg-fault.ts'
import type { PgClient, PgPool } from './pg-pool.ts'
import { explainPgSession, settlePgSession, type Bound, type PgSessionReport } from './pg-session.ts'
import type { Fault, PoolPort } from './pool-port.ts'

/** What a {@link PgPort} is made of. */
export interface PgPortParts {
  readonly clock: Clock
  /** How long a cancel request, or closing a connection, may take, in ms. */
  readonly patience: Millis
  readonly bounds: readonly Bound[]
  /** Is told, once, of a connection whose bounds do not hold. What it throws refuses the connection. */
  readonly unverified: (report: PgSessionReport, sentence: string) => void
  readonly name: string
}

/** What is known of a connection. */
interface Known {
  broken: unknown
  settled: boolean
  /** The server has been told to stop what it does for this lease. */
  cancelled: boolean
}

/** The part of node-postgres's client that tells whether it waits for the server. It has no types. */
interface Busy {
  readonly _activeQuery?: unknown
  readonly _queryQueue?: readonly unknown[]
  readonly _sentQueryQueue?: readonly unknown[]
}

/** A pool of node-postgres. */
export class PgPort implements PoolPort<PgClient> {
  readonly #pool: PgPool
  readonly #parts: PgPortParts
  readonly #known = new WeakMap<PgClient, Known>()
  readonly #closing = new Map<unknown, () => void>()

  constructor(pool: PgPool, parts: PgPortParts) {
    this.#pool = pool
    this.#parts = parts
    pool.on('remove', (client) => this.#closing.get(client)?.())
    // An idle connection that the server closes is an event of the pool, and without a listener the end of the process.
    pool.on('error', () => undefined)
  }

  get size(): number {
    return this.#pool.options.max
  }

  get ready(): boolean {
    return this.#pool.idleCount > 0
  }

  take(): Promise<PgClient> {
    return this.#pool.connect().then(this.#meet)
  }

  readonly #meet = (client: PgClient): PgClient => {
    const former = this.#known.get(client)
    if (former !== undefined) former.cancelled = false
    else {
      const known: Known = { broken: undefined, settled: this.#parts.bounds.length === 0, cancelled: false }
      this.#known.set(client, known)
      // While it is out nobody else listens: a connection lost between two statements would end the process.
      client.on('error', (error) => (known.broken ??= error))
    }
    return client
  }

  give(client: PgClient): void {
    client.release()
  }

  /**
   * Settled when the server has closed its end: before, it may count one connection more than the pool. A statement that
   * still runs is ended first: from a closed connection alone the server learns nothing before it has an answer.
   */
  async close(client: PgClient, reason: unknown): Promise<void> {
    if (isBusy(client) && this.#known.get(client)?.cancelled !== true) await this.cancel(client)
    await this.#closed(client, reason)
  }

  #closed(client: PgClient, reason: unknown): Promise<void> {
    return new Promise((resolve) => {
      const closed = (): void => {
        timer.cancel()
        this.#closing.delete(client)
        resolve()
      }
      const timer = this.#parts.clock.after(this.#parts.patience, closed)
      this.#closing.set(client, closed)
      try {
        client.release(reason instanceof Error ? reason : true)
      } catch {
        closed()
      }
    })
  }

  prepare(client: PgClient): Promise<void> | undefined {
    const known = this.#known.get(client)
    return known === undefined || known.settled ? undefined : this.#settle(client, known)
  }

  async #settle(client: PgClient, known: Known): Promise<void> {
    const { bounds, name, unverified } = this.#parts
    const report = await settlePgSession(client, bounds)
    if (known.broken !== undefined) throw known.broken
    const sentence = explainPgSession(name, report)
    if (sentence !== undefined) unverified(report, sentence)
    known.settled = true
  }

  cancel(client: PgClient): Promise<void> {
    const known = this.#known.get(client)
    if (known !== undefined) known.cancelled = true
    return pgCancel(this.#pool, client, this.#parts.clock, this.#parts.patience)
  }

  reusable(client: PgClient): boolean {
    const status = client.getTransactionStatus?.()
    return (status === undefined || status === null || status === 'I') && !isBusy(client)
  }

  brokenBy(client: PgClient): unknown {
    return this.#known.get(client)?.broken
  }

  faultOf(error: unknown): Fault {
    return pgFault(error)
  }

  end(): Promise<void> {
    return this.#pool.end()
  }
}

function isBusy(client: PgClient): boolean {
  const { _activeQuery: active, _queryQueue: queued, _sentQueryQueue: sent } = client as Busy
  return (active !== undefined && active !== null) || (queued?.length ?? 0) > 0 || (sent?.length ?? 0) > 0
}
