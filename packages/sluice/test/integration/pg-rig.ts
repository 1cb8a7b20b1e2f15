// What the tests against a real PostgreSQL have in common: pools that are ended, and a look from outside.
import assert from 'node:assert/strict'
import { Client, Pool, type PoolConfig } from 'pg'
import { RejectedError } from '../../src/index.ts'
import { protect, type Guarded, type PgOptions } from '../../src/pools/pg.ts'
import type { PgAddress } from './pg-server.ts'
import { until } from './waiting.ts'

export type GuardedPool = Pool & Guarded<Pool>

/** A guarded pool for the length of a proof. At its end nothing is out and nobody waits, whatever was proven. */
export async function withPool(
  address: PgAddress,
  config: PoolConfig & { readonly guard?: PgOptions },
  prove: (pool: GuardedPool) => Promise<void>,
): Promise<void> {
  const { guard, ...rest } = config
  const pool = protect(new Pool({ ...address, application_name: 'guarded', ...rest }), guard)
  try {
    await prove(pool)
    await until('every slot to be back', () => pool.stats.inflight === 0)
    const { held, queued } = pool.stats
    assert.deepEqual({ held, queued }, { held: 0, queued: 0 })
  } finally {
    await pool.end()
  }
}

/** A pool without a guard: the control. */
export async function withBarePool(
  address: PgAddress,
  config: PoolConfig,
  prove: (pool: Pool) => Promise<void>,
): Promise<void> {
  const pool = new Pool({ ...address, application_name: 'bare', ...config })
  pool.on('error', () => undefined)
  try {
    await prove(pool)
  } finally {
    await pool.end()
  }
}

/** A connection of its own, outside of every pool. */
export class Onlooker {
  readonly #client: Client

  private constructor(client: Client) {
    this.#client = client
  }

  static async at(address: PgAddress): Promise<Onlooker> {
    const client = new Client({ ...address, application_name: 'onlooker' })
    await client.connect()
    return new Onlooker(client)
  }

  async run(text: string): Promise<void> {
    await this.#client.query(text)
  }

  /** How many connections an application has on the server; only those that run a statement, where one is named. */
  async connections(application: string, running?: string): Promise<number> {
    const { rows } = await this.#client.query<{ readonly count: number }>(
      `select count(*)::int as count from pg_stat_activity
       where application_name = $1 and ($2::text is null or (state = 'active' and query = $2))`,
      [application, running],
    )
    return rows[0]!.count
  }

  async terminate(pid: number): Promise<void> {
    await this.#client.query('select pg_terminate_backend($1)', [pid])
  }

  end(): Promise<void> {
    return this.#client.end()
  }
}

/** What something rejects with. */
export async function errorOf(promise: Promise<unknown>): Promise<Error & { readonly code?: string }> {
  try {
    await promise
  } catch (error) {
    return error as Error
  }
  return assert.fail('it was not rejected')
}

/** The code of a refusal. */
export async function refusalOf(promise: Promise<unknown>): Promise<string> {
  const error = await errorOf(promise)
  assert.ok(error instanceof RejectedError, `not a refusal: ${error.message}`)
  return error.code
}

/** The server process behind whatever can be asked. */
export async function pidOf(client: {
  query(text: string): Promise<{ readonly rows: readonly { readonly pid?: number }[] }>
}): Promise<number> {
  const { rows } = await client.query('select pg_backend_pid() as pid')
  return rows[0]!.pid!
}
