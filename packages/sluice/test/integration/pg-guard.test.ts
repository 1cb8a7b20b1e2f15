import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PoolClient } from 'pg'
import { RejectedError, semaphore, shedder, worst } from '../../src/index.ts'
import type { HeldConnection } from '../../src/pools/pg.ts'
import { errorOf, Onlooker, pidOf, refusalOf, withBarePool, withPool, type GuardedPool } from './pg-rig.ts'
import { noPostgres, PgServer, type PgAddress } from './pg-server.ts'
import { until } from './waiting.ts'

const SIZE = 10

describe('sluice/pg: who gets a connection', { skip: noPostgres }, () => {
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

  async function allOf(pool: GuardedPool): Promise<PoolClient[]> {
    return Promise.all(Array.from({ length: SIZE }, () => pool.connect()))
  }

  it('S1.7 1,000 queries at ten times the pool: never a connection too many, nobody waits too long', async () => {
    let most = 0
    const watched = new AbortController()
    const watcher = await Onlooker.at(address)
    const watch = (async (): Promise<void> => {
      for (; !watched.signal.aborted; await sleep(2)) most = Math.max(most, await watcher.connections('guarded'))
    })()
    const refusals: { readonly code: string; readonly took: number }[] = []
    let served = 0
    await withPool(address, { max: SIZE, guard: { maxWait: 1000 } }, async (pool) => {
      const one = async (at: number): Promise<void> => {
        const started = performance.now()
        try {
          await pool.query('select pg_sleep($1)', [at % 10 === 0 ? 0.2 : 0.01])
          served++
        } catch (error) {
          assert.ok(error instanceof RejectedError, String(error))
          refusals.push({ code: error.code, took: performance.now() - started })
        }
      }
      const worker = async (first: number): Promise<void> => {
        for (let at = first; at < 1000; at += 10 * SIZE) {
          await one(at)
          await sleep(10)
        }
      }
      await Promise.all(Array.from({ length: 10 * SIZE }, (_, at) => worker(at)))
    })
    watched.abort()
    await watch
    await watcher.end()
    const full = refusals.filter(({ code }) => code === 'queue_full').map(({ took }) => took)
    const median = full.toSorted((a, b) => a - b)[full.length >> 1]!
    assert.equal(served + refusals.length, 1000)
    assert.ok(most === SIZE, `${most} connections at the server, wanted ${SIZE}`)
    assert.ok(served >= SIZE * 2, `only ${served} served`)
    assert.ok(full.length > 100, `only ${full.length} refused at once`)
    assert.ok(median < 50, `refusing took ${median} ms`)
    assert.ok(refusals.every(({ took }) => took < 2500))
  })

  it('S1.7 control: behind a bare pool waiters are without number, and wait without end', async () => {
    await withBarePool(address, { max: SIZE }, async (pool) => {
      const blocked = await Promise.all(Array.from({ length: SIZE }, () => pool.connect()))
      let answered = 0
      const waiters = Array.from({ length: 100 * SIZE }, async () => {
        await pool.query('select 1')
        answered++
      })
      await sleep(500)
      assert.equal(pool.waitingCount, 100 * SIZE)
      assert.equal(answered, 0)
      for (const client of blocked) client.release()
      await Promise.all(waiters)
    })
  })

  it('S1.7 refuses at once when full, and after maxWait otherwise', async () => {
    await withPool(address, { max: SIZE, guard: { maxWait: 300 } }, async (pool) => {
      const clients = await allOf(pool)
      const started = performance.now()
      const waiters = Array.from({ length: SIZE }, () => refusalOf(pool.query('select 1')))
      assert.equal(await refusalOf(pool.query('select 1')), 'queue_full')
      assert.equal(await refusalOf(pool.connect()), 'queue_full')
      assert.ok(performance.now() - started < 250, 'who is refused for a full queue has waited')
      assert.deepEqual(
        await Promise.all(waiters),
        Array.from({ length: SIZE }, () => 'queue_timeout'),
      )
      assert.ok(performance.now() - started >= 295)
      for (const client of clients) client.release()
    })
  })

  it('S1.7 by default lets as many wait as there are connections, for 3 s', async () => {
    await withPool(address, { max: SIZE }, async (pool) => {
      const clients = await allOf(pool)
      const started = performance.now()
      const first = refusalOf(pool.query('select 1'))
      const others = Array.from({ length: SIZE - 1 }, () => refusalOf(pool.query('select 1')))
      assert.equal(pool.stats.queued, SIZE)
      assert.equal(await refusalOf(pool.query('select 1')), 'queue_full')
      assert.equal(await first, 'queue_timeout')
      const took = performance.now() - started
      assert.ok(took >= 2990 && took < 6000, `waited ${took} ms`)
      await Promise.all(others)
      for (const client of clients) client.release()
    })
  })

  it('S1.7 its pressure rises before it is full, and sheds the least important while there is room', async () => {
    await withPool(address, { max: SIZE, guard: { maxWait: 400 } }, async (pool) => {
      const door = shedder({ pressure: worst(pool.pressure), thresholds: [0.7, 0.8, 0.9, Infinity] })
      const heard: number[] = []
      using _listener = pool.pressure.subscribe(({ level }) => heard.push(level))
      const clients: PoolClient[] = []
      const levels: number[] = []
      const open: number[] = []
      for (let count = 1; count <= SIZE; count++) {
        clients.push(await pool.connect())
        levels.push(pool.pressure.value.level)
        open.push(([0, 1, 2, 3] as const).filter((priority) => door.tryEnter({ priority }).admitted).length)
      }
      assert.deepEqual(levels, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1])
      assert.deepEqual(open, [4, 4, 4, 4, 4, 4, 3, 2, 1, 1])
      assert.deepEqual(new Set(heard), new Set(levels))
      // Full, and somebody waits: above 1, and more with every ms.
      const waiter = refusalOf(pool.query('select 1'))
      assert.ok(pool.pressure.value.level > 1)
      await until('pressure to rise with the wait', () => pool.pressure.value.level > 1.5)
      assert.deepEqual(pool.pressure.value.cause, 'pool wait')
      assert.equal(await waiter, 'queue_timeout')
      assert.equal(pool.pressure.value.level, 1)
      for (const client of clients) client.release()
      assert.equal(pool.pressure.value.level, 0)
    })
  })

  it('S1.7 serves the important first, and refuses who could not be served before its deadline', async () => {
    await withPool(address, { max: 1, guard: { maxWaiting: 2 } }, async (pool) => {
      const client = await pool.connect()
      const order: string[] = []
      const low = pool
        .with({ priority: 0 })
        .query('select 1')
        .then(() => order.push('low'))
      const high = pool
        .with({ priority: 3 })
        .query('select 1')
        .then(() => order.push('high'))
      const late = pool.with({ priority: 3, deadline: performance.now() + 50 }).query('select 1')
      // The queue is full: the newcomer takes the place of the least important.
      assert.equal(await refusalOf(low), 'evicted')
      assert.equal(await refusalOf(late), 'deadline')
      const next = pool
        .with({ priority: 0 })
        .query('select 1')
        .then(() => order.push('low'))
      client.release()
      await Promise.all([high, next])
      assert.deepEqual(order, ['high', 'low'])
    })
  })

  it('S1.7 takes any gate; its limit may be below the size of the pool', async () => {
    const gate = semaphore({ permits: 2, name: 'narrow' })
    await withPool(address, { max: SIZE, guard: { gate } }, async (pool) => {
      const clients = await Promise.all([pool.connect(), pool.connect()])
      assert.equal(await refusalOf(pool.connect()), 'limit_exceeded')
      assert.equal(pool.totalCount, 2)
      assert.equal(pool.pressure.value.level, 1)
      for (const client of clients) client.release()
    })
    assert.ok(gate.tryEnter().admitted, 'ending the pool closed a gate that others may use')
  })

  it('S1.7 keeps the habits of the pool: callbacks, configs, release, events', async () => {
    await withPool(address, { max: 2 }, async (pool) => {
      const asked = await new Promise((resolve, reject) =>
        pool.query('select $1::int as a', [5], (error, result) => (error ? reject(error) : resolve(result.rows))),
      )
      assert.deepEqual(asked, [{ a: 5 }])
      const short = await new Promise((resolve) => pool.query('select nonsense', (error) => resolve(error)))
      assert.equal((short as { code: string }).code, '42703')
      assert.deepEqual((await pool.query({ text: 'select 1 as a', rowMode: 'array' })).rows, [[1]])
      let connected = 0
      pool.on('connect', () => connected++)
      const one = await pool.connect()
      await new Promise<void>((resolve, reject) =>
        pool.connect((error, client, done) => {
          if (error || client === undefined) return reject(error)
          client.query('select 1', (failed) => {
            done()
            if (failed) reject(failed)
            else resolve()
          })
        }),
      )
      one.release()
      assert.equal(connected, 1)
      const listening = await pool.connect()
      let notice: string | undefined
      listening.once('notice', ({ message }) => (notice = message))
      await listening.query(`do $$ begin raise notice 'hello'; end $$`)
      assert.equal(notice, 'hello')
      listening.release(true)
      await until('the released one to be closed', () => pool.totalCount === 1)
      assert.match((await errorOf(pool.query({ submit() {} } as never))).message, /connect\(\)/)
    })
  })

  it('S1.7 tells who holds a connection, and of one that is held too long', async () => {
    const told: HeldConnection[] = []
    const guard = { heldTooLong: 100, onHeld: (held: HeldConnection): unknown => told.push(held) }
    await withPool(address, { max: 2, guard }, async (pool) => {
      const forgotten = await pool.with({ flow: 'acme' }).connect()
      await until('the report', () => told.length > 0)
      await sleep(150)
      assert.equal(told.length, 1, 'told more than once')
      assert.equal(told[0]!.flow, 'acme')
      assert.ok(told[0]!.heldFor >= 99)
      assert.match(told[0]!.stack, /pg-guard\.test/)
      assert.equal(pool.held.length, 1)
      forgotten.release()
      assert.equal(pool.held.length, 0)
    })
  })

  it('S1.7 end() refuses who waits, lets who works finish, and leaves no connection', async () => {
    await withPool(address, { max: 1 }, async (pool) => {
      const working = pool.query('select pg_sleep(0.2), 1 as done')
      await until('work', () => pool.stats.held === 1)
      const waiting = refusalOf(pool.query('select 1'))
      const ended = pool.end()
      assert.equal(await waiting, 'closed')
      assert.equal(await refusalOf(pool.query('select 1')), 'closed')
      assert.equal((await working).rows[0].done, 1)
      await ended
      await until('the server to see it', async () => (await onlooker.connections('guarded')) === 0)
    })
  })

  it('S1.7 end() calls off what has not finished in time', async () => {
    await withPool(address, { max: 1, guard: { drain: 100 } }, async (pool) => {
      const working = refusalOf(pool.query('select pg_sleep(20)'))
      await until('work', () => pool.stats.held === 1)
      await pool.end()
      assert.equal(await working, 'closed')
      await until('the server to see it', async () => (await onlooker.connections('guarded')) === 0)
    })
  })

  it('S1.7 a released client is no longer its former holder’s', async () => {
    await withPool(address, { max: 1 }, async (pool) => {
      const first = await pool.connect()
      first.release()
      const second = await pool.connect()
      assert.throws(() => first.release(), /already been released/)
      assert.match((await errorOf(first.query('select 1'))).message, /given back/)
      assert.equal(pool.stats.inflight, 1)
      const third = pool.connect()
      assert.equal(pool.stats.queued, 1)
      const pid = await pidOf(second)
      second.release()
      const client = await third
      assert.equal(await pidOf(client), pid)
      client.release()
    })
    await withBarePool(address, { max: 1 }, async (pool) => {
      const first = await pool.connect()
      first.release()
      const second = await pool.connect()
      first.release()
      const third = await pool.connect()
      assert.equal(second, third, 'the control does not give one connection to two holders')
      third.release()
    })
  })
})
