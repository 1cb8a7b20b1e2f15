import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RejectedError } from '../../src/index.ts'
import { protectMysql, type MysqlConnection, type MysqlPool } from '../../src/pools/pg.ts'

/** As mysql2 behaves: releasing is a method of the connection, and the next one gets the same connection. */
class FakeMysql implements MysqlPool {
  readonly log: string[] = []
  error: unknown
  #open = 0

  async getConnection(): Promise<MysqlConnection> {
    const id = ++this.#open
    this.log.push(`take ${id}`)
    const ask = async (sql: string): Promise<unknown> => {
      this.log.push(sql)
      if (this.error !== undefined) throw this.error
      return [[{ sql }], []]
    }
    return {
      query: ask,
      execute: ask,
      release: () => void this.log.push(`release ${id}`),
      destroy: () => void this.log.push(`destroy ${id}`),
    }
  }

  query(_sql: string): Promise<unknown> {
    return assert.fail('past the guard')
  }

  execute(_sql: string): Promise<unknown> {
    return assert.fail('past the guard')
  }

  async end(): Promise<void> {
    this.log.push('end')
  }
}

describe('mysql2 behind a guard', () => {
  it('S1.7 query, execute and getConnection pass the guard, and give back', async () => {
    const fake = new FakeMysql()
    const pool = protectMysql(fake, { size: 1, maxWaiting: 0 })
    assert.deepEqual(await pool.query('a'), [[{ sql: 'a' }], []])
    await pool.execute('b')
    const connection = await pool.with({ priority: 3 }).getConnection()
    await assert.rejects(pool.query('c'), RejectedError)
    await connection.query('d')
    connection.release()
    connection.release()
    await assert.rejects(connection.query('e'), /given back/)
    assert.equal(pool.stats.inflight, 0)
    const second = await pool.getConnection()
    second.destroy()
    await pool.end()
    assert.deepEqual(fake.log, [
      'take 1',
      'a',
      'release 1',
      'take 2',
      'b',
      'release 2',
      'take 3',
      'd',
      'release 3',
      'take 4',
      'destroy 4',
      'end',
    ])
  })

  it('S1.7 closes a lost connection, keeps one that answered with an error', async () => {
    const fake = new FakeMysql()
    const pool = protectMysql(fake, { size: 1 })
    fake.error = Object.assign(new Error('duplicate'), { errno: 1062, sqlState: '23000' })
    await assert.rejects(pool.query('a'), /duplicate/)
    fake.error = Object.assign(new Error('lost'), { fatal: true, code: 'PROTOCOL_CONNECTION_LOST' })
    await assert.rejects(pool.query('b'), /lost/)
    assert.deepEqual(
      fake.log.filter((line) => /^(release|destroy)/.test(line)),
      ['release 1', 'destroy 2'],
    )
    assert.equal(pool.stats.inflight, 0)
  })
})
