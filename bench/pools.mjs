// What the guard costs a query, and what a pool does at ten times its size with and without it: a real PostgreSQL, its
// data in a temporary folder, on a unix socket.
import { setTimeout as sleep } from 'node:timers/promises'
import { Client, Pool } from 'pg'
import { protect } from '../packages/sluice/dist/src/pools/pg.js'
import { noPostgres, PgServer } from '../packages/sluice/dist/test/integration/pg-server.js'

if (noPostgres) {
  process.stdout.write(`skipped: ${noPostgres}\n`)
  process.exit(0)
}

// Short rounds, many of them, and of those the calmest tenth: what else the machine does is not of the pool's making.
const ROUNDS = 61
const QUERIES = 400
const CALM = 0.1
const SIZE = 10
// In seconds; every tenth is slow.
const [QUICK, SLOW] = [0.02, 0.2]
const OFFERED = Math.round((10 * SIZE) / (0.9 * QUICK + 0.1 * SLOW))

const at = (values, share) =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))]

/** µs a query, one after the other. */
async function timeOf(pool) {
  const start = performance.now()
  for (let count = 0; count < QUERIES; count++) await pool.query('select 1')
  return ((performance.now() - start) * 1000) / QUERIES
}

/** µs of this process's CPU a query, as many at a time as there are connections. */
async function cpuOf(pool) {
  const before = process.cpuUsage()
  const caller = async () => {
    for (let count = 0; count < QUERIES / SIZE; count++) await pool.query('select 1')
  }
  await Promise.all(Array.from({ length: SIZE }, caller))
  const { user, system } = process.cpuUsage(before)
  return (user + system) / QUERIES
}

async function overhead(address) {
  const bare = new Pool({ ...address, max: SIZE })
  const guarded = protect(new Pool({ ...address, max: SIZE }))
  // With its own limit in time: a timer and a view for each query.
  const timed = { query: (text) => guarded.with({ timeout: 1000 }).query(text) }
  const contenders = { 'bare pool': bare, 'with protect()': guarded, '… and with({ timeout })': timed }
  const found = Object.fromEntries(Object.keys(contenders).map((name) => [name, { times: [], cpu: [] }]))
  for (let round = -5; round < ROUNDS; round++)
    for (const [name, pool] of Object.entries(contenders)) {
      if (round < 0) {
        await cpuOf(pool)
        continue
      }
      found[name].times.push(await timeOf(pool))
      found[name].cpu.push(await cpuOf(pool))
    }
  process.stdout.write(`pool.query('select 1'), the calmest tenth of ${ROUNDS} rounds of ${QUERIES}\n`)
  process.stdout.write(`${''.padEnd(26)}µs, one at a time   ratio   µs of CPU, ${SIZE} at a time   more\n`)
  const [first] = Object.values(found)
  for (const [name, { times, cpu }] of Object.entries(found)) {
    const [time, spent] = [at(times, CALM), at(cpu, CALM)]
    const slower = (time / at(first.times, CALM)).toFixed(3)
    const more = (spent - at(first.cpu, CALM)).toFixed(1)
    process.stdout.write(
      `${name.padEnd(26)}${time.toFixed(1).padStart(17)}${slower.padStart(8)}` +
        `${spent.toFixed(1).padStart(25)}${more.padStart(7)}\n`,
    )
  }
  await Promise.all([bare.end(), guarded.end()])
}

/**
 * Ten times what the pool can do for one second, by the clock and not by the answers. A caller waits for a second; what
 * comes later is of no use. Then, when it is over, one more caller: how long does the pool pay for that second?
 */
async function storm(name, pool, application, onlooker) {
  const latencies = []
  const refusals = []
  const calls = []
  let [most, waiting] = [0, 0]
  const ask = async (count) => {
    const start = performance.now()
    try {
      await pool.query('select pg_sleep($1)', [count % 10 === 0 ? SLOW : QUICK])
      latencies.push(performance.now() - start)
    } catch {
      refusals.push(performance.now() - start)
    }
  }
  const begin = performance.now()
  for (let now = begin; now < begin + 1000; await sleep(4), now = performance.now()) {
    while (calls.length < ((now - begin) / 1000) * OFFERED) calls.push(ask(calls.length))
    const { rows } = await onlooker.query(
      'select count(*)::int as n from pg_stat_activity where application_name = $1',
      [application],
    )
    most = Math.max(most, rows[0].n)
    waiting = Math.max(waiting, pool.stats?.queued ?? pool.waitingCount)
  }
  const start = performance.now()
  await pool.query('select 1').catch(() => sleep(50).then(() => pool.query('select 1')))
  const afterwards = performance.now() - start
  await Promise.all(calls)
  const figures = [
    calls.length,
    latencies.filter((took) => took <= 1000).length,
    at(latencies, 0.5).toFixed(0),
    at(latencies, 0.99).toFixed(0),
    refusals.length,
    refusals.length === 0 ? '–' : at(refusals, 0.5).toFixed(1),
    waiting,
    most,
    afterwards.toFixed(0),
  ]
  process.stdout.write(`${name.padEnd(16)}${figures.map((figure) => String(figure).padStart(10)).join('')}\n`)
}

async function tenfold(address) {
  const onlooker = new Client(address)
  await onlooker.connect()
  process.stdout.write(
    `\n${OFFERED} queries in one second, ten times what ${SIZE} connections can do; every tenth takes ten times as long\n`,
  )
  const heads = ['asked', 'in 1 s', 'p50, ms', 'p99, ms', 'refused', 'in, ms', 'waiting', 'at once', 'next, ms']
  process.stdout.write(`${''.padEnd(16)}${heads.map((head) => head.padStart(10)).join('')}\n`)
  const bare = new Pool({ ...address, max: SIZE, application_name: 'bare' })
  await storm('bare pool', bare, 'bare', onlooker)
  await bare.end()
  const guarded = protect(new Pool({ ...address, max: SIZE, application_name: 'guarded' }))
  await storm('with protect()', guarded, 'guarded', onlooker)
  await guarded.end()
  await onlooker.end()
}

const server = await PgServer.start()
try {
  const address = { ...server.address, host: server.socket }
  await overhead(address)
  await tenfold(address)
} finally {
  await server[Symbol.asyncDispose]()
}
