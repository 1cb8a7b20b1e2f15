import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { PgSessionReport } from '../../src/pools/pg.ts'
import { errorOf, Onlooker, pidOf, withBarePool, withPool } from './pg-rig.ts'
import { noPooler, noPostgres, PgPooler, PgServer, type PgAddress } from './pg-server.ts'
import { until } from './waiting.ts'

const SHOW = `select current_setting('statement_timeout') as statement,
  current_setting('idle_in_transaction_session_timeout') as idle, current_setting('lock_timeout') as lock`
const SLEEP = 'select pg_sleep(20)'
const QUICK = { timeouts: { statement: 200, idleInTransaction: 200, lock: 100 } }

describe('sluice/pg: what the server bounds', { skip: noPostgres }, () => {
  let server: PgServer
  let onlooker: Onlooker
  let address: PgAddress
  before(async () => {
    server = await PgServer.start()
    ;({ address } = server)
    onlooker = await Onlooker.at(address)
    await onlooker.run('create table accounts (id int primary key); insert into accounts values (1)')
  })
  after(async () => {
    await onlooker?.end()
    await server?.[Symbol.asyncDispose]()
  })

  it('S1.7 bounds statements to 30 s, idle transactions to 60 s, locks to 5 s, as the server itself shows', async () => {
    await withBarePool(address, { max: 1 }, async (bare) => {
      const { rows } = await bare.query(SHOW)
      assert.deepEqual(rows[0], { statement: '0', idle: '0', lock: '0' }, 'the control is bounded already')
    })
    await withPool(address, { max: 3 }, async (pool) => {
      const clients = await Promise.all([pool.connect(), pool.connect(), pool.connect()])
      for (const client of clients) {
        const { rows } = await client.query(SHOW)
        assert.deepEqual(rows[0], { statement: '30s', idle: '1min', lock: '5s' })
        client.release()
      }
    })
  })

  it('S1.7 keeps what is stricter already, and tightens what is looser', async () => {
    await onlooker.run(`create role strict login; alter role strict set statement_timeout = '7s';
      alter role strict set lock_timeout = '1h'`)
    const reports: PgSessionReport[] = []
    const guard = { onUnverified: (report: PgSessionReport): unknown => reports.push(report) }
    await withPool({ ...address, user: 'strict' }, { max: 1, guard }, async (pool) => {
      const { rows } = await pool.query(SHOW)
      assert.deepEqual(rows[0], { statement: '7s', idle: '1min', lock: '5s' })
    })
    assert.deepEqual(reports, [])
  })

  it('S1.7 leaves alone what it is told to', async () => {
    await withPool(address, { max: 1, guard: { timeouts: { statement: 0, lock: 250 } } }, async (pool) => {
      const { rows } = await pool.query(SHOW)
      assert.deepEqual(rows[0], { statement: '0', idle: '1min', lock: '250ms' })
    })
  })

  it('S1.7 a slow query is ended by the server, and its connection stays', async () => {
    await withPool(address, { max: 1, guard: QUICK }, async (pool) => {
      const pid = await pidOf(pool)
      const started = performance.now()
      const error = await errorOf(pool.query(SLEEP))
      assert.equal(error.code, '57014')
      assert.ok(performance.now() - started >= 195, 'ended too early')
      await until('the server to stop', async () => (await onlooker.connections('guarded', SLEEP)) === 0)
      assert.equal(await pidOf(pool), pid, 'a failed statement cost its connection')
    })
  })

  it('S1.7 a wait for a lock is ended by the server', async () => {
    await withPool(address, { max: 2, guard: QUICK }, async (pool) => {
      await onlooker.run('begin; select * from accounts for update')
      try {
        const error = await errorOf(pool.query('update accounts set id = id'))
        assert.equal(error.code, '55P03')
      } finally {
        await onlooker.run('rollback')
      }
      await pool.query('update accounts set id = id')
    })
  })

  it('S1.7 an idle transaction is ended by the server: its locks are free, its slot comes back, the process lives', async () => {
    await withPool(address, { max: 2, guard: { timeouts: { idleInTransaction: 200 } } }, async (pool) => {
      const forgetful = await pool.connect()
      await forgetful.query('begin; select * from accounts for update')
      const pid = await pidOf(pool)
      // Waits for the lock, and gets it when the server has ended the other one.
      await pool.query('update accounts set id = id')
      assert.match((await errorOf(forgetful.query('commit'))).message, /idle-in-transaction timeout/)
      assert.equal(pool.stats.held, 1)
      forgetful.release()
      await until('the slot to be back', () => pool.stats.inflight === 0)
      assert.equal(await pidOf(pool), pid)
    })
    await withBarePool(address, { max: 1 }, async (bare) => {
      const client = await bare.connect()
      assert.equal(client.listenerCount('error'), 0, 'the control would survive a lost connection, too')
      client.release()
    })
  })

  it('S1.7 a connection whose bounds do not hold can be refused', async () => {
    const guard = {
      timeouts: { statement: 1000 },
      onUnverified: ({ settings }: PgSessionReport): never => {
        throw new Error(`not on my watch: ${settings[0]!.name}`)
      },
    }
    await onlooker.run('create role deaf login; revoke select on pg_settings from public')
    try {
      await withPool({ ...address, user: 'deaf' }, { max: 1, guard }, async (pool) => {
        assert.match((await errorOf(pool.query('select 1'))).message, /not on my watch: statement_timeout/)
        await until('its connection to be closed', async () => (await onlooker.connections('guarded')) === 0)
      })
    } finally {
      await onlooker.run('grant select on pg_settings to public')
    }
  })

  describe('behind a pooler', { skip: noPooler }, () => {
    let pooler: PgPooler
    before(async () => (pooler = await PgPooler.start(address)))
    after(() => pooler?.[Symbol.asyncDispose]())

    it('S1.7 says that its settings would not hold, and sets none in sessions that are not its own', async () => {
      const reports: PgSessionReport[] = []
      const guard = { onUnverified: (report: PgSessionReport): unknown => reports.push(report) }
      await withPool(pooler.address, { max: 1, guard }, async (pool) => {
        const { rows } = await pool.query(SHOW)
        assert.deepEqual(rows[0], { statement: '0', idle: '0', lock: '0' })
      })
      assert.equal(reports.length, 1)
      assert.equal(reports[0]!.pooled, true)
      assert.deepEqual(
        reports[0]!.settings.map(({ holds }) => holds),
        [false, false, false],
      )
    })

    it('S1.7 a timeout cancels through it, too', async () => {
      await withPool(pooler.address, { max: 1, guard: { onUnverified: () => undefined } }, async (pool) => {
        assert.equal((await errorOf(pool.with({ timeout: 100 }).query('select pg_sleep(20)'))).code, 'deadline')
        await until('the server to stop', async () => {
          const busy = await pool.query(
            `select 1 from pg_stat_activity where query = 'select pg_sleep(20)' and state = 'active'`,
          )
          return busy.rowCount === 0
        })
      })
    })

    it('S1.7 is content where the role is bounded', async () => {
      await onlooker.run(`alter role tester set statement_timeout = '10s';
        alter role tester set idle_in_transaction_session_timeout = '10s'; alter role tester set lock_timeout = '1s'`)
      await using fresh = await PgPooler.start(address)
      const reports: PgSessionReport[] = []
      const guard = { onUnverified: (report: PgSessionReport): unknown => reports.push(report) }
      await withPool(fresh.address, { max: 1, guard }, async (pool) => {
        const { rows } = await pool.query(SHOW)
        assert.deepEqual(rows[0], { statement: '10s', idle: '10s', lock: '1s' })
      })
      assert.deepEqual(reports, [])
    })
  })
})
