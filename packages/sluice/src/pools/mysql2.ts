import { guardedPool, type Guarded } from './guarded.ts'
import { guarded, handle } from './handle.ts'
import type { Lease } from './lease.ts'
import { PoolGuard, type PoolEntry, type PoolGuardOptions } from './pool-guard.ts'
import type { Fault, PoolPort } from './pool-port.ts'

/** What the guard touches of a connection of `mysql2/promise`. */
export interface MysqlConnection {
  query(sql: string): Promise<unknown>
  execute(sql: string): Promise<unknown>
  release(): void
  destroy(): void
}

/** What the guard touches of a pool of `mysql2/promise`. */
export interface MysqlPool {
  getConnection(): Promise<MysqlConnection>
  query(sql: string): Promise<unknown>
  execute(sql: string): Promise<unknown>
  end(): Promise<void>
}

/** Options of {@link protectMysql}. */
export interface MysqlOptions extends PoolGuardOptions {
  /** The pool's `connectionLimit`, which `mysql2` does not show. A whole number of at least 1. */
  readonly size: number
}

/**
 * Puts a gate in front of a pool of `mysql2/promise`. Bounds who waits; what was called off is answered at once, and its
 * connection comes back, or is closed after `grace`, without telling the server: bound statements there, by
 * `max_execution_time` and `innodb_lock_wait_timeout`.
 * @throws RangeError for an option out of range
 */
export function protectMysql<P extends MysqlPool>(pool: P, options: MysqlOptions): P & Guarded<P> {
  const port: PoolPort<MysqlConnection> = {
    size: options.size,
    take: () => pool.getConnection(),
    give: (connection) => connection.release(),
    close: (connection) => connection.destroy(),
    faultOf: mysqlFault,
    end: () => pool.end(),
  }
  const guard = new PoolGuard(port, options)
  return guardedPool(pool, guard, (entry) => methodsOf(guard, entry))
}

function methodsOf(guard: PoolGuard<MysqlConnection>, entry: PoolEntry | undefined): object {
  const asked =
    (method: 'query' | 'execute') =>
    (...args: [string]): Promise<unknown> =>
      guard.use((connection) => connection[method](...args), entry)
  function getConnection(): Promise<MysqlConnection> {
    return guard.acquire(entry, getConnection).then(connectionOf)
  }
  return { getConnection, query: asked('query'), execute: asked('execute'), end: () => guard.end() }
}

/** The connection, for as long as it is lent. */
function connectionOf(lease: Lease<MysqlConnection>): MysqlConnection {
  return handle(lease.client, {
    __proto__: null,
    query: guarded(lease, 'query'),
    execute: guarded(lease, 'execute'),
    release: () => lease.end('success'),
    destroy: () => lease.end('ignored', new Error('destroyed')),
  })
}

/** Too many connections; a lock, a statement that took too long: evidence of overload. */
const OVERLOADED: ReadonlySet<unknown> = new Set([1040, 1205, 1317, 3024])

/** Source: MySQL's manual, "Server Error Message Reference"; `fatal` is mysql2's word for a lost connection. */
function mysqlFault(error: unknown): Fault {
  const { errno, fatal, sqlState } = (error ?? {}) as {
    readonly errno?: unknown
    readonly fatal?: unknown
    readonly sqlState?: unknown
  }
  if (OVERLOADED.has(errno)) return { outcome: 'dropped', broken: fatal === true }
  const known = typeof sqlState === 'string' && fatal !== true
  return { outcome: known ? 'ignored' : 'failure', broken: !known }
}
