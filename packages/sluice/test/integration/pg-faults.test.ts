import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Pool, PoolClient } from 'pg'
import { errorOf, Onlooker, pidOf, refusalOf, withBarePool, withPool } from './pg-rig.ts'
import { noPostgres, noTls, PgServer, type PgAddress } from './pg-server.ts'
import { until } from './waiting.ts'

const SLEEP = 'select pg_sleep(20)'

describe('sluice/pg: what goes wrong', { skip: noPostgres }, () => {
  let server: PgServer
  let onlooker: Onlooker
  let address: PgAddress
  before(async () => {
    server = await PgServer.start()
    ;({ address } = server)
    onlooker = await Onlooker.at(address)
  })
  after(async () => {
    await onlooker?.end()
    await server?.[Symbol.asyncDispose]()
  })

  function working(application: string, count = 1): Promise<void> {
    return until(`${count} statements to run`, async () => (await onlooker.connections(application, SLEEP)) === count)
  }

  function idle(application: string): Promise<void> {
    return until('the server to stop', async () => (await onlooker.connections(application, SLEEP)) === 0)
  }

  it('S1.7 a backend killed in the middle of a query costs the query, not the slot', async () => {
    await withPool(address, { max: 2 }, async (pool) => {
      const client = await pool.connect()
      const pid = await pidOf(client)
      const failing = errorOf(client.query(SLEEP))
      const other = errorOf(pool.query(SLEEP))
      await working('guarded', 2)
      await onlooker.terminate(pid)
      assert.equal((await failing).code, '57P01')
      client.release()
      const third = await pool.connect()
      assert.notEqual(await pidOf(third), pid)
      third.release()
      await onlooker.run(`select pg_terminate_backend(pid) from pg_stat_activity where query = '${SLEEP}'`)
      assert.equal((await other).code, '57P01')
      assert.equal((await pool.query('select 1 as a')).rows[0].a, 1)
    })
  })

  it('S1.7 a backend killed between two statements ends neither the process nor the slot', async () => {
    await withPool(address, { max: 1 }, async (pool) => {
      const client = await pool.connect()
      await onlooker.terminate(await pidOf(client))
      await until('the client to know', () => !isUsable(client))
      assert.match((await errorOf(client.query('select 1'))).message, /terminating connection/)
      client.release()
      assert.equal((await pool.query('select 1 as a')).rows[0].a, 1)
    })
  })

  it('S1.7 an idle connection killed ends nothing at all', async () => {
    await withPool(address, { max: 1 }, async (pool) => {
      const heard: string[] = []
      await onlooker.terminate(await pidOf(pool))
      await until('the pool to know', () => pool.totalCount === 0)
      pool.on('error', ({ message }) => heard.push(message))
      await onlooker.terminate(await pidOf(pool))
      await until('the pool to know', () => pool.totalCount === 0)
      assert.equal(heard.length, 1, 'its own listeners do not hear of it')
      await pool.query('select 1')
    })
    await withBarePool(address, { max: 1 }, async (pool) => {
      // The one the control was given to survive; without it this would have been the end of the process.
      assert.equal(pool.listenerCount('error'), 1)
    })
  })

  it('S1.7 a restart of the server: everybody hears of it, nothing leaks, and it goes on', async () => {
    await withPool(address, { max: 5, guard: { maxWait: 500 } }, async (pool) => {
      const failing = Array.from({ length: 8 }, () => errorOf(pool.query(SLEEP)))
      await working('guarded', 5)
      await onlooker.end()
      await server.stop()
      await Promise.all(failing)
      await until('every slot to be back', () => pool.stats.inflight === 0)
      assert.match((await errorOf(pool.query('select 1'))).message, /ECONNREFUSED/)
      await server.run()
      onlooker = await Onlooker.at(address)
      const answers = await Promise.all(Array.from({ length: 5 }, () => pool.query('select 1 as a')))
      assert.equal(answers.length, 5)
      assert.ok((await onlooker.connections('guarded')) <= 5)
    })
  })

  it('S1.7 a mistake in a statement costs neither slot nor connection; a bare pool opens a new one each time', async () => {
    const lost = async (pool: Pool): Promise<boolean> => {
      const pid = await pidOf(pool)
      for (let time = 0; time < 20; time++) await errorOf(pool.query('select nonsense'))
      return (await pidOf(pool)) !== pid
    }
    await withPool(address, { max: 1 }, async (pool) => assert.equal(await lost(pool), false))
    await withBarePool(address, { max: 1 }, async (pool) => assert.equal(await lost(pool), true))
  })

  it('S1.7 a client given back inside a transaction does not bring it to the next one', async () => {
    const leaks = async (pool: Pool): Promise<boolean> => {
      const client = await pool.connect()
      await client.query('begin')
      client.release()
      const { rows } = await pool.query('select now() <> statement_timestamp() as inside')
      return rows[0].inside
    }
    await withPool(address, { max: 1 }, async (pool) => assert.equal(await leaks(pool), false))
    await withBarePool(address, { max: 1 }, async (pool) => assert.equal(await leaks(pool), true))
  })

  it('S1.7 a client given back with a statement still running is closed, and the statement ended', async () => {
    await withPool(address, { max: 1 }, async (pool) => {
      // On a connection that has seen a cancel before.
      assert.equal(await refusalOf(pool.with({ timeout: 20 }).query(SLEEP)), 'deadline')
      const client = await pool.connect()
      const left = errorOf(client.query(SLEEP))
      await working('guarded')
      client.release()
      const started = performance.now()
      assert.equal((await pool.query('select 1 as a')).rows[0].a, 1)
      assert.ok(performance.now() - started < 2000, 'the next one waited for it')
      await left
      await idle('guarded')
    })
  })

  it('S1.7 a timeout ends the query on the server; query_timeout of a bare pool leaves it running', async () => {
    await withPool(address, { max: 1 }, async (pool) => {
      const pid = await pidOf(pool)
      const started = performance.now()
      assert.equal(await refusalOf(pool.with({ timeout: 100 }).query(SLEEP)), 'deadline')
      assert.ok(performance.now() - started < 2000)
      await idle('guarded')
      assert.equal(await pidOf(pool), pid, 'it cost its connection')
      assert.equal(pool.stats.abandoned, 0)
    })
    await withBarePool(address, { max: 1, query_timeout: 100 }, async (pool) => {
      await errorOf(pool.query(SLEEP))
      await pool.query('select 1')
      assert.equal(await onlooker.connections('bare', SLEEP), 1, 'the control ends its work, too')
      await onlooker.run(`select pg_terminate_backend(pid) from pg_stat_activity where query = '${SLEEP}'`)
    })
  })

  it('S1.7 a deadline shorter than statement_timeout ends the query on the server, and counts from the arrival', async () => {
    await withPool(address, { max: 1 }, async (pool) => {
      const deadline = performance.now() + 300
      const first = pool.query('select pg_sleep(0.15)')
      const second = refusalOf(pool.with({ deadline }).query(SLEEP))
      await first
      assert.equal(await second, 'deadline')
      assert.ok(performance.now() - deadline < 2000)
      await idle('guarded')
    })
  })

  it('S1.7 an abort: while waiting it frees the place, while running the server', async () => {
    await withPool(address, { max: 1 }, async (pool) => {
      const [running, waiting] = [new AbortController(), new AbortController()]
      const first = errorOf(pool.with({ signal: running.signal }).query(SLEEP))
      await working('guarded')
      const second = errorOf(pool.with({ signal: waiting.signal }).query('select 1'))
      assert.equal(pool.stats.queued, 1)
      const [gone, left] = [new Error('gone'), new Error('left')]
      waiting.abort(gone)
      assert.equal(await second, gone)
      assert.equal(pool.stats.queued, 0)
      running.abort(left)
      assert.equal(await first, left)
      await idle('guarded')
      assert.equal(await errorOf(pool.with({ signal: running.signal }).query('select 1')), left)
    })
  })

  it('S1.7 a cancel never hits whoever comes next on the connection', async () => {
    await withPool(address, { max: 1, guard: { maxWaiting: 100 } }, async (pool) => {
      const pid = await pidOf(pool)
      let cancelled = 0
      for (let time = 0; time < 100; time++) {
        const controller = new AbortController()
        const hurried = pool.with({ signal: controller.signal }).query('select pg_sleep(0.002)')
        const next = pool.query('select pg_sleep(0.001), $1::int as time', [time])
        setTimeout(() => controller.abort(), time % 5)
        await hurried.catch(() => cancelled++)
        assert.equal((await next).rows[0].time, time)
      }
      assert.ok(cancelled > 10 && cancelled < 100, `${cancelled} of 100 were cancelled`)
      assert.equal(await pidOf(pool), pid)
    })
  })

  it('S1.7 a transaction called off: what it did is undone, it may still roll back, and nothing else', async () => {
    await withPool(address, { max: 1 }, async (pool) => {
      const pid = await pidOf(pool)
      const client = await pool.with({ timeout: 100 }).connect()
      await client.query('begin')
      assert.equal((await errorOf(client.query(SLEEP))).code, '57014')
      assert.equal(await refusalOf(client.query('select 1')), 'deadline')
      const byCallback = await new Promise((resolve) => client.query('select 1', (error) => resolve(error)))
      assert.equal((byCallback as { code: string }).code, 'deadline')
      await client.query('ROLLBACK')
      client.release()
      assert.equal(await pidOf(pool), pid)
    })
  })

  it('S1.7 a client that is not given back after its deadline is taken away', async () => {
    await withPool(address, { max: 1, guard: { grace: 100 } }, async (pool) => {
      await (await pool.with({ timeout: 50 }).connect()).query('begin')
      assert.equal((await pool.query('select 1 as a')).rows[0].a, 1)
      assert.equal(pool.stats.abandoned, 1)
    })
  })

  it('S1.7 a backend that does not hear the cancel costs its slot no longer than the grace', async () => {
    await withPool(address, { max: 1, guard: { grace: 200 } }, async (pool) => {
      const deaf = await pool.with({ timeout: 100 }).connect()
      const pid = await pidOf(deaf)
      process.kill(pid, 'SIGSTOP')
      try {
        const stuck = errorOf(deaf.query('select 1'))
        assert.equal((await pool.query('select 1 as a')).rows[0].a, 1)
        assert.equal(pool.stats.abandoned, 1)
        await stuck
      } finally {
        process.kill(pid, 'SIGCONT')
      }
    })
  })

  it('S1.7 a server that takes connections and does not answer: refused in time, and well again afterwards', async () => {
    const postmaster = server.pid
    await withPool(address, { max: 2, guard: { maxWait: 200, grace: 200 } }, async (pool) => {
      process.kill(postmaster, 'SIGSTOP')
      try {
        const started = performance.now()
        await Promise.all(Array.from({ length: 4 }, () => errorOf(pool.query('select 1'))))
        assert.ok(performance.now() - started < 2000)
        await until('every slot to be back', () => pool.stats.inflight === 0)
      } finally {
        process.kill(postmaster, 'SIGCONT')
      }
      assert.equal((await pool.query('select 1 as a')).rows[0].a, 1)
    })
  })

  it('S1.7 cancels through TLS, too', { skip: noTls }, async () => {
    await using secure = await PgServer.start(true)
    const looker = await Onlooker.at(secure.address)
    try {
      await withPool(secure.address, { max: 1, ssl: { rejectUnauthorized: false } }, async (pool) => {
        const { rows } = await pool.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()')
        assert.deepEqual(rows, [{ ssl: true }])
        assert.equal(await refusalOf(pool.with({ timeout: 50 }).query(SLEEP)), 'deadline')
        await until('the server to stop', async () => (await looker.connections('guarded', SLEEP)) === 0)
        assert.equal(pool.stats.abandoned, 0)
      })
    } finally {
      await looker.end()
    }
  })

  it('S1.7 cancels through a unix socket, too', async () => {
    await withPool({ ...address, host: server.socket }, { max: 1 }, async (pool) => {
      assert.equal(await refusalOf(pool.with({ timeout: 50 }).query(SLEEP)), 'deadline')
      await idle('guarded')
      assert.equal(pool.stats.abandoned, 0)
    })
  })
})

function isUsable(client: PoolClient): boolean {
  return (client as unknown as { readonly _queryable: boolean })._queryable
}
