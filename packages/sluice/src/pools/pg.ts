/**
 * A gate in front of a pool of database connections: node-postgres by `protect`, mysql2 and generic-pool by
 * `protectMysql` and `protectGenericPool`, any other by `poolGuard`.
 * @module
 */
import { checkNumber, systemClock } from '../ground/index.ts'
import { coreOf } from '../gate/index.ts'
import { guardedPool, type Guarded } from './guarded.ts'
import { guarded, handle } from './handle.ts'
import type { Lease } from './lease.ts'
import { answer, type NodeCallback } from './node-callback.ts'
import { pgFault } from './pg-fault.ts'
import type { PgClient, PgPool } from './pg-pool.ts'
import { PgPort } from './pg-port.ts'
import { pgBounds, type PgSessionReport, type PgTimeouts } from './pg-session.ts'
import { PoolGuard, type PoolEntry, type PoolGuardOptions } from './pool-guard.ts'
import { warn } from './warning.ts'

export { protectGenericPool, type GenericPool } from './generic-pool.ts'
export type { Guarded } from './guarded.ts'
export type { HeldConnection } from './held.ts'
export type { Lease } from './lease.ts'
export { protectMysql, type MysqlConnection, type MysqlPool } from './mysql2.ts'
export type { PgClient, PgPool } from './pg-pool.ts'
export type { PgSessionReport, PgSetting, PgTimeouts } from './pg-session.ts'
export { poolGuard, type PoolEntry, type PoolGuard, type PoolGuardOptions, type PoolStats } from './pool-guard.ts'
export type { Fault, PoolPort } from './pool-port.ts'

/** Options of {@link protect}. */
export interface PgOptions extends PoolGuardOptions {
  /** What is set and verified on each connection, where nothing stricter is in force already. */
  readonly timeouts?: PgTimeouts
  /**
   * Is told of each connection on which they do not hold, before anybody uses it; what it throws refuses the connection.
   * Default: a warning of the process, once for each pool.
   */
  readonly onUnverified?: (report: PgSessionReport) => void
}

/**
 * Puts a gate in front of a pool of node-postgres: `const pool = protect(new Pool({ max: 50 }))`. What comes back is
 * used like the pool itself, callbacks included.
 *
 * - At most as many wait as there are connections, for at most 3 s; everybody else is refused at once, with
 *   `RejectedError` (`queue_full`, `queue_timeout`).
 * - Each connection is bounded by the server before its first use, and that is verified: `statement_timeout` 30 s,
 *   `idle_in_transaction_session_timeout` 60 s, `lock_timeout` 5 s. What is stricter already stays.
 * - A deadline, a timeout or an abort, given to `with`, ends the statement on the server, and the caller has its answer
 *   at once. The slot is free again when the server has let go of it.
 * - A failed statement does not cost its connection; a lost connection, or one given back inside a transaction, is
 *   closed.
 * - `end()` refuses who waits, lets who works finish, and ends the pool.
 * @throws RangeError for an option out of range
 */
export function protect<P extends PgPool>(pool: P, options: PgOptions = {}): P & Guarded<P> {
  // A server that takes the connection and never answers would keep a slot for ever.
  const { gate } = options
  const ownClock = gate && coreOf('gate', gate).clock
  const settings = pool.options as { connectionTimeoutMillis?: number }
  settings.connectionTimeoutMillis ||= checkNumber('pool.maxWait', options.maxWait ?? 3000, 1)
  const port = new PgPort(pool, {
    clock: options.clock ?? ownClock ?? systemClock,
    patience: checkNumber('pool.grace', options.grace ?? 5000, 0),
    bounds: pgBounds(options.timeouts ?? {}),
    unverified: tellerOf(options),
    name: gate?.name ?? options.name ?? 'pool',
  })
  const guard = new PoolGuard(port, options)
  return guardedPool(pool, guard, (entry) => methodsOf(guard, entry))
}

/** Of the pool, those that pass the guard: each with node's two ways to answer. */
function methodsOf(guard: PoolGuard<PgClient>, entry: PoolEntry | undefined): object {
  function connect(callback?: NodeCallback): Promise<PgClient> | undefined {
    const taken = guard.acquire(entry, connect).then(clientOf)
    return callback === undefined
      ? taken
      : answer(taken, callback, (client) => [client, (error?: Error | boolean) => client.release(error)])
  }
  function query(text: unknown, values?: unknown, callback?: NodeCallback): Promise<unknown> | undefined {
    const last = typeof values === 'function' ? (values as NodeCallback) : callback
    const done = isPlain(text)
      ? guard.use((client) => (client.query as Query).call(client, text, last === values ? undefined : values), entry)
      : Promise.reject(new TypeError('pool.query: expected a text or a config; a cursor or a stream needs connect()'))
    return last === undefined ? done : answer(done, last, (result) => [result])
  }
  function end(callback?: NodeCallback): Promise<void> | undefined {
    const ended = guard.end()
    return callback === undefined ? ended : answer(ended, callback, () => [])
  }
  return { connect, query, end }
}

type Query = (text: unknown, values: unknown) => Promise<unknown>

function isPlain(query: unknown): boolean {
  return typeof query === 'string' || (typeof query === 'object' && query !== null && !('submit' in query))
}

/** The client, for as long as it is lent. */
function clientOf(lease: Lease<PgClient>): PgClient {
  return handle(lease.client, {
    __proto__: null,
    query: guarded(lease, 'query'),
    release: (error?: Error | boolean): void => {
      if (lease.ended) throw new Error('Release called on client which has already been released to the pool.')
      if (error instanceof Error) lease.end(pgFault(error).outcome, error)
      else lease.end('success', error === true ? new Error('released to be closed') : undefined)
    },
  })
}

function tellerOf({ onUnverified }: PgOptions): (report: PgSessionReport, sentence: string) => void {
  if (onUnverified !== undefined) return (report) => onUnverified(report)
  let told = false
  return (_report, sentence) => {
    if (told) return
    told = true
    warn('SLUICE_POOL_UNVERIFIED', sentence)
  }
}
