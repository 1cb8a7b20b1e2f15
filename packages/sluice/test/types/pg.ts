// Compiled, never run: the guard against the real types of node-postgres.
import { Pool, type PoolClient, type QueryResult } from 'pg'
import { worst } from '../../src/index.ts'
import { protect } from '../../src/pools/pg.ts'

interface Row {
  readonly id: number
}

export async function used(): Promise<void> {
  const pool = protect(new Pool({ max: 50 }), { maxWait: 3000, timeouts: { statement: 30_000, lock: 0 } })
  // As the pool itself, overloads and callbacks included.
  const result: QueryResult<Row> = await pool.query<Row>('select $1::int as id', [1])
  const arrays = await pool.query<[number]>({ text: 'select 1', rowMode: 'array' })
  pool.query('select 1', (error: Error, answer: QueryResult) => console.log(error, answer.rows))
  const client: PoolClient = await pool.connect()
  client.release()
  pool.connect((error, taken, done) => {
    if (taken !== undefined) done(error)
  })
  pool.on('error', () => undefined)
  console.log(result.rows[0]?.id, arrays.rows, pool.totalCount, pool.waitingCount)
  // And what the guard adds.
  const mine: Pool = pool.with({ flow: 'acme', priority: 0, timeout: 500, signal: new AbortController().signal })
  await mine.query<Row>('select 1')
  console.log(pool.stats.queued, pool.held.length, pool.gate.name, worst(pool.pressure).value.level)
  await pool.end()
  pool.end(() => undefined)
  // @ts-expect-error a misspelt option is found
  protect(pool, { maxWaits: 1 })
}
