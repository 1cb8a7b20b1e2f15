// Token buckets shared over Redis, beside rate-limiter-flexible on the same server, in the same run: takes a second of
// one process and of four, each with 64 callers. A real redis-server on loopback; machine and server share the cores.
//
//   node bench/fleet-buckets.mjs [--json]
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { RateLimiterRedis } from 'rate-limiter-flexible'
import { fleetBuckets, ioRedis, redisBuckets } from '../packages/sluice/dist/src/redis/index.js'
import { noRedis, RedisServer } from '../packages/sluice/dist/test/integration/redis-server.js'

const CALLERS = 64
const DURATION = 600
const WARMING = 200
/** One contender's time, and one process's to start, in ms. */
const SLOT = 1000
const STARTING = 1500
const ROUNDS = 3
// Requests and tokens, plenty of both: what is measured is the way to them.
const buckets = { requests: { tokens: 1e9, capacity: 1e8, takes: 'one' }, tokens: { tokens: 1e10, capacity: 1e9 } }
const SCARCE = { tokens: { tokens: 1000, capacity: 1000 } }

/** What is measured: name → (client) → take one, true where it was let in. */
const contenders = {
  'rate-limiter-flexible': (client) => {
    const limiter = new RateLimiterRedis({ storeClient: client, points: 1e9, duration: 3600, keyPrefix: 'peer' })
    return () => limiter.consume('tenant')
  },
  'sluice, direct': (client) => {
    // An account each, so that nothing rides along: one call a take, all or nothing of both buckets.
    const coordinator = redisBuckets(ioRedis(client))
    const budget = {
      name: 'direct',
      buckets: [
        { name: 'requests', interval: 1e-6, capacity: 1e8 },
        { name: 'tokens', interval: 1e-7, capacity: 1e9 },
      ],
    }
    const idle = Array.from({ length: CALLERS }, (_, at) => ({
      account: coordinator.open(budget, 'tenant', `p${process.pid}x${at}`),
      turn: 0,
      level: [0, 0],
    }))
    return async () => {
      const own = idle.pop()
      const { level } = own
      const need = [level[0] + 1, level[1] + 100]
      const known = own.turn > 0
      const { granted } = await own.account.state({
        turn: ++own.turn,
        known,
        claim: level,
        keep: level,
        need,
        want: need,
      })
      if (granted) own.level = need
      idle.push(own)
      return granted
    }
  },
  'sluice, lease 0': (client) => through(client, 'lease 0', 0),
  'sluice, leased 200 ms': (client) => through(client, 'leased', 200),
}

function through(client, name, lease) {
  const gate = fleetBuckets({ name, buckets, coordinator: redisBuckets(ioRedis(client)), onDown: 'closed', lease })
  const arrival = { flow: 'tenant', cost: 100 }
  const take = () => {
    const verdict = gate.tryEnter(arrival)
    return verdict.admitted ? verdict : gate.acquire(arrival)
  }
  return lease === 0 ? () => gate.acquire(arrival) : take
}

/** Takes a second, and calls a second, of this process. */
async function measure(name, port, begins) {
  const client = new Redis({ port, host: '127.0.0.1' })
  let calls = 0
  const evalsha = client.evalsha.bind(client)
  client.evalsha = (...args) => {
    calls++
    return evalsha(...args)
  }
  try {
    await client.ping()
    const take = contenders[name](client)
    const run = async (end) => {
      let taken = 0
      const caller = async () => {
        // Those answered at once give way from time to time, as a server must.
        for (let count = 1; Date.now() < end; count++) {
          const answer = take()
          if (typeof answer.then === 'function') await answer
          else if (count % 256 === 0) await new Promise((resolve) => setImmediate(resolve))
          taken++
        }
      }
      const start = performance.now()
      await Promise.all(Array.from({ length: CALLERS }, caller))
      return (taken / (performance.now() - start)) * 1000
    }
    await sleep(Math.max(0, begins - Date.now()))
    await run(begins + WARMING)
    calls = 0
    const rate = await run(begins + WARMING + DURATION)
    return { rate, calls: name === 'rate-limiter-flexible' ? rate : (calls / DURATION) * 1000 }
  } finally {
    client.disconnect()
  }
}

/** One after the other, each in its slot of time, so that all processes measure the same at once. */
async function measureAll(port, begins) {
  const found = {}
  for (const [at, name] of Object.keys(contenders).entries())
    found[name] = await measure(name, port, begins + at * SLOT)
  return found
}

/** Four tenants at 1000 a second, more wanted than there is: how much of it is let in, for how many calls a second. */
async function scarce(port, until) {
  const client = new Redis({ port, host: '127.0.0.1' })
  const coordinator = redisBuckets(ioRedis(client))
  const gate = fleetBuckets({ name: 'scarce', buckets: SCARCE, coordinator, onDown: 'closed' })
  let rate = 0
  while (Date.now() < until) {
    for (let tenant = 0; tenant < 4; tenant++)
      for (let tries = 0; tries < 20; tries++) if (gate.tryEnter({ flow: `${tenant}` }).admitted) rate++
    await sleep(1)
  }
  const { calls } = gate.state
  gate.close()
  await sleep(100)
  client.disconnect()
  return { rate, calls }
}

async function inProcesses(count, ...args) {
  const children = Array.from({ length: count }, () => fork(fileURLToPath(import.meta.url), args.map(String)))
  return Promise.all(children.map(async (child) => (await once(child, 'message'))[0]))
}

const sumOf = (all) => ({
  rate: all.reduce((total, { rate }) => total + rate, 0),
  calls: all.reduce((total, { calls }) => total + calls, 0),
})
const middle = (values) => values.toSorted((a, b) => a - b)[values.length >> 1]

async function main() {
  if (noRedis) return process.stdout.write(`skipped: ${noRedis}\n`)
  const server = await RedisServer.start()
  const found = []
  try {
    for (const processes of [1, 4]) {
      const rounds = []
      for (let round = 0; round < ROUNDS; round++)
        rounds.push(await inProcesses(processes, 'all', server.port, Date.now() + STARTING))
      for (const name of Object.keys(contenders)) {
        const sums = rounds.map((all) => sumOf(all.map((one) => one[name])))
        const rate = middle(sums.map((one) => one.rate))
        found.push({ processes, name, rate, calls: middle(sums.map(({ calls }) => calls)) })
      }
    }
    const [begun, length] = [Date.now(), 3000]
    const { calls } = sumOf(await inProcesses(4, 'scarce', server.port, begun + length))
    found.push({ processes: 4, name: 'scarce', calls: calls / (length / 1000) })
  } finally {
    await server.stop()
  }
  if (process.argv.includes('--json')) return process.stdout.write(`${JSON.stringify(found)}\n`)
  process.stdout.write(`${''.padEnd(26)}processes      takes/s   of the peer      calls/s\n`)
  const number = (value, width) => Math.round(value).toLocaleString('en').padStart(width)
  for (const { processes, name, rate, calls } of found) {
    if (rate === undefined) continue
    const peer = found.find((one) => one.processes === processes).rate
    process.stdout.write(`${name.padEnd(26)}${number(processes, 9)}${number(rate, 13)}`)
    process.stdout.write(`${(rate / peer).toFixed(2).padStart(14)}${number(calls, 13)}\n`)
  }
  const { calls } = found.at(-1)
  process.stdout.write(
    `\nfour tenants at 1,000 a second, four processes that want far more: ${number(calls, 0)} calls/s\n`,
  )
  return undefined
}

const [, , name, port, time] = process.argv
if (process.send === undefined) await main()
else {
  process.send(await (name === 'scarce' ? scarce : measureAll)(Number(port), Number(time)))
  process.disconnect()
}
