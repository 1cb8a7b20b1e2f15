// Token buckets shared over Redis, beside rate-limiter-flexible on the same server, in the same run: takes a second of
// one process and of four, each with 64 callers. A real redis-server on loopback; machine and server share the cores.
// And what 40 instances with 10,000 tenants say while little happens, and while nothing does.
//
//   node bench/fleet-buckets.mjs [--json]
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { RateLimiterRedis } from 'rate-limiter-flexible'
import { createClient } from 'redis'
import { fleetBuckets, ioRedis, nodeRedis, redisBuckets } from '../packages/sluice/dist/src/redis/index.js'
import { noRedis, RedisServer } from '../packages/sluice/dist/test/integration/redis-server.js'

const CALLERS = 64
const DURATION = 700
const WARMING = 700
/** One contender's time, and one process's to start, in ms. */
const SLOT = 1600
const STARTING = 5000
const ROUNDS = 3
// Requests and tokens, plenty of both: what is measured is the way to them.
const buckets = { requests: { tokens: 1e9, capacity: 1e8, takes: 'one' }, tokens: { tokens: 1e10, capacity: 1e9 } }
// On a busy machine the server may take its time, and this is not about who gives up when.
const PATIENT = { onDown: 'closed', deadline: 10_000 }
const SCARCE = { tokens: { tokens: 1000, capacity: 1000 } }

/** What is measured: name → (client) → take one, true where it was let in. */
const contenders = {
  'rate-limiter-flexible': (client) => {
    const limiter = new RateLimiterRedis({ storeClient: client, points: 1e9, duration: 3600, keyPrefix: 'peer' })
    return () => limiter.consume('tenant')
  },
  'sluice, direct, ioredis': (client) => direct(ioRedis(client), 'i'),
  'sluice, direct, node-redis': async (_, port) => {
    const client = createClient({ RESP: 3, socket: { port, host: '127.0.0.1' } })
    await client.connect()
    return Object.assign(direct(nodeRedis(client), 'n'), { close: () => client.destroy() })
  },
  'sluice, lease 0': (client) => through(client, 'lease 0', 0),
  'sluice, leased 200 ms': (client) => through(client, 'leased', 200),
}

/** An account each, so that nothing rides along: one call a take, all or nothing of both buckets. */
function direct(port, tag) {
  const coordinator = redisBuckets(port)
  const budget = {
    name: 'direct',
    buckets: [
      { name: 'requests', interval: 1e-6, capacity: 1e8 },
      { name: 'tokens', interval: 1e-7, capacity: 1e9 },
    ],
  }
  const pace = { stamp: 0, refills: budget.buckets }
  const rest = { pace, reserve: 0, critical: false, hold: 0 }
  const idle = Array.from({ length: CALLERS }, (_, at) => ({
    account: coordinator.open(budget, 'tenant', `${tag}${process.pid}x${at}`),
    turn: 0,
    level: [0, 0],
  }))
  return async () => {
    const own = idle.pop()
    const { level } = own
    const need = [level[0] + 1, level[1] + 100]
    const known = own.turn > 0
    const levels = { claim: level, keep: level, need, want: need }
    const { granted } = await own.account.state({ turn: ++own.turn, known, ...levels, ...rest })
    if (granted) own.level = need
    idle.push(own)
    return granted
  }
}

function through(client, name, lease) {
  const gate = fleetBuckets({ name, buckets, coordinator: redisBuckets(ioRedis(client)), ...PATIENT, lease })
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
    const take = await contenders[name](client, port)
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
    const [own, servers] = [process.cpuUsage(), await serverTime(client)]
    const rate = await run(begins + WARMING + DURATION)
    const { user, system } = process.cpuUsage(own)
    const taken = (rate * DURATION) / 1000
    const asked = calls === 0 ? rate : (calls / DURATION) * 1000
    take.close?.()
    return { rate, calls: asked, node: (user + system) / taken, server: ((await serverTime(client)) - servers) / taken }
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
  const gate = fleetBuckets({ name: 'scarce', buckets: SCARCE, coordinator, ...PATIENT })
  const begun = Date.now()
  let rate = 0
  while (Date.now() < until) {
    for (let tenant = 0; tenant < 4; tenant++)
      for (let tries = 0; tries < 20; tries++) if (gate.tryEnter({ flow: `${tenant}` }).admitted) rate++
    await sleep(1)
  }
  const calls = gate.state.calls / ((Date.now() - begun) / 1000)
  await gate.close()
  client.disconnect()
  return { rate, calls }
}

const INSTANCES = 40
const TENANTS = 10_000

/** So many instances of 40, each with its part of 10,000 tenants: calls a second and instance, nobody coming, and two a second. */
async function quiet(port, count) {
  const clients = Array.from({ length: count }, () => new Redis({ port, host: '127.0.0.1' }))
  const gates = clients.map((client) =>
    fleetBuckets({ name: 'quiet', buckets: SCARCE, coordinator: redisBuckets(ioRedis(client)), ...PATIENT }),
  )
  const calls = () => gates.reduce((sum, gate) => sum + gate.state.calls, 0)
  const any = () => ({ flow: `tenant ${Math.floor(Math.random() * TENANTS)}`, cost: 10 })
  for (let tenant = 0; tenant < TENANTS / (INSTANCES / count); tenant += 50)
    await Promise.all(
      Array.from({ length: 50 }, (_, at) => gates[(tenant + at) % count].acquire({ flow: `tenant ${tenant + at}` })),
    )
  await sleep(500)
  let before = calls()
  await sleep(2000)
  const silent = (calls() - before) / 2 / count
  before = calls()
  const begun = Date.now()
  while (Date.now() < begun + 3000) {
    for (const gate of gates) void gate.acquire(any()).then((permit) => permit.release('success', 8))
    await sleep(500)
  }
  await sleep(500)
  const little = (calls() - before) / ((Date.now() - begun) / 1000) / count
  await Promise.all(gates.map((gate) => gate.close()))
  for (const client of clients) client.disconnect()
  return { silent, little }
}

/** How long the server's main thread has worked, in microseconds. */
async function serverTime(client) {
  const cpu = await client.info('cpu')
  const of = (name) => Number(new RegExp(`${name}:([0-9.]+)`).exec(cpu)[1])
  return 1e6 * (of('used_cpu_sys_main_thread') + of('used_cpu_user_main_thread'))
}

async function inProcesses(count, ...args) {
  const children = Array.from({ length: count }, () => fork(fileURLToPath(import.meta.url), args.map(String)))
  const said = async (child) => {
    const [answer] = await Promise.race([once(child, 'message'), once(child, 'exit')])
    if (typeof answer !== 'object' || answer === null) throw new Error(`a process ended: ${answer}`)
    return answer
  }
  try {
    return await Promise.all(children.map(said))
  } finally {
    for (const child of children) child.kill()
  }
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
        // What the server did, all processes asked for; each measures all of it.
        const [node, server] = ['node', 'server'].map((what) =>
          middle(rounds.map((all) => middle(all.map((one) => one[name][what])))),
        )
        found.push({
          processes,
          name,
          rate,
          calls: middle(sums.map((one) => one.calls)),
          node,
          server: server / processes,
        })
      }
    }
    const { calls } = sumOf(await inProcesses(4, 'scarce', server.port, Date.now() + STARTING))
    found.push({ processes: 4, name: 'scarce', calls })
    found.push({ name: 'quiet', ...(await quiet(server.port, INSTANCES)) })
  } finally {
    await server.stop()
  }
  if (process.argv.includes('--json')) return process.stdout.write(`${JSON.stringify(found)}\n`)
  process.stdout.write(
    `${''.padEnd(28)}processes      takes/s   of the peer      calls/s   CPU of a take, Node / Redis\n`,
  )
  const number = (value, width) => Math.round(value).toLocaleString('en').padStart(width)
  for (const { processes, name, rate, calls, node, server: redis } of found) {
    if (rate === undefined) continue
    const peer = found.find((one) => one.processes === processes).rate
    process.stdout.write(`${name.padEnd(28)}${number(processes, 9)}${number(rate, 13)}`)
    process.stdout.write(`${(rate / peer).toFixed(2).padStart(14)}${number(calls, 13)}`)
    process.stdout.write(`${node.toFixed(1).padStart(18)} µs / ${redis.toFixed(1)} µs\n`)
  }
  const { calls } = found.at(-2)
  const { silent, little } = found.at(-1)
  process.stdout.write(
    `\nfour tenants at 1,000 a second, four processes that want far more: ${number(calls, 0)} calls/s\n` +
      `${INSTANCES} instances, 10,000 tenants, calls/s of each: ${silent.toFixed(2)} with nobody coming, ` +
      `${little.toFixed(2)} with two arrivals a second\n`,
  )
  return undefined
}

const [, , name, port, time] = process.argv
if (process.send === undefined) await main()
else {
  process.send(await (name === 'scarce' ? scarce : measureAll)(Number(port), Number(time)))
  process.disconnect()
}
