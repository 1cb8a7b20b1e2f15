// Slots shared by several processes over a real Redis: Sluice beside redis-semaphore and Bottleneck, in one run.
//   node bench/fleet.mjs
// Each row says what is compared; figures of one machine mean little, their ratios more.
import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const self = fileURLToPath(import.meta.url)
const now = () => Number(process.hrtime.bigint()) / 1e6

/** Each contender: how to take a slot, which answers how to give it back. */
const contenders = {
  async sluice({ port, limit, order = 'share' }) {
    const { createClient } = await import('redis')
    const { fleetSlots, nodeRedis, redisSlots } = await import('sluice/redis')
    const client = await createClient({ RESP: 3, socket: { port, host: '127.0.0.1' } }).connect()
    const coordinator = redisSlots(nodeRedis(client), { key: `${order}-${limit}` })
    const gate = fleetSlots({ coordinator, limit, order, onDown: 'closed', maxWait: 30_000 })
    return async () => {
      const permit = await gate.acquire()
      return () => permit.release('success')
    }
  },
  strict: (options) => contenders.sluice({ ...options, order: 'strict' }),
  async 'redis-semaphore'({ port, limit }) {
    const { Redis } = await import('ioredis')
    const { Semaphore } = await import('redis-semaphore')
    const client = new Redis({ port, host: '127.0.0.1' })
    const options = { acquireTimeout: 30_000, retryInterval: 10 }
    return async () => {
      const slot = new Semaphore(client, `rs-${limit}`, limit, options)
      await slot.acquire()
      return () => slot.release()
    }
  },
  async bottleneck({ port, limit }) {
    const { default: Bottleneck } = await import('bottleneck')
    const { Redis } = await import('ioredis')
    const limiter = new Bottleneck({
      id: `bn-${limit}`,
      datastore: 'ioredis',
      Redis,
      clientOptions: { port, host: '127.0.0.1' },
      maxConcurrent: limit,
    })
    await limiter.ready()
    return () =>
      new Promise((resolve) => {
        void limiter.schedule(() => new Promise((done) => resolve(done)))
      })
  },
}

async function worker(orders) {
  const { loops, duration, hold } = orders
  const acquire = await contenders[orders.contender](orders)
  let pairs = 0
  const waits = []
  const grants = []
  const ends = []
  const loop = async () => {
    for (;;) {
      const asked = now()
      const release = await acquire()
      const granted = now()
      if (granted > end) return release()
      if (pairs % 16 === 0 || hold > 0) waits.push(granted - asked)
      if (hold > 0) {
        grants.push(granted)
        await sleep(hold)
        ends.push(now())
      }
      await release()
      // Whoever comes by slots without any input still has to listen.
      if (++pairs % 1024 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
  }
  // Once, so that connections are open and a server that has just started has begun to grant.
  await (
    await acquire()
  )()
  process.send('ready')
  await once(process, 'message')
  const end = now() + duration
  await Promise.race([Promise.all(Array.from({ length: loops }, loop)), sleep(duration + 1500)])
  process.send({ pairs, waits, grants, ends }, () => process.exit(0))
}

async function measure(orders, processes) {
  const children = Array.from({ length: processes }, () => fork(self, [JSON.stringify(orders)]))
  await Promise.all(children.map((child) => once(child, 'message')))
  const results = children.map((child) => once(child, 'message'))
  for (const child of children) child.send('go')
  const all = (await Promise.all(results)).map(([result]) => result)
  const waits = all.flatMap((result) => result.waits).toSorted((a, b) => a - b)
  return { perSecond: all.reduce((sum, { pairs }) => sum + pairs, 0) / (orders.duration / 1000), waits, all }
}

/** From the end of one process's use to the beginning of another's. */
function wakeUps(all) {
  const events = all.flatMap(({ grants, ends }, who) => [
    ...grants.map((at) => ({ at, who, what: 'grant' })),
    ...ends.map((at) => ({ at, who, what: 'end' })),
  ])
  events.sort((a, b) => a.at - b.at)
  const found = []
  for (let index = 1; index < events.length; index++) {
    const [before, after] = [events[index - 1], events[index]]
    if (before.what === 'end' && after.what === 'grant' && before.who !== after.who) found.push(after.at - before.at)
  }
  return found.toSorted((a, b) => a - b)
}

const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN
const figure = (value) => (value >= 1000 ? Math.round(value).toLocaleString('en') : value.toPrecision(3))

async function server() {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address()
  probe.close()
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
  const child = spawn('redis-server', ['--port', `${port}`, '--save', '', '--bind', '127.0.0.1', '--dir', folder], {
    stdio: 'ignore',
  })
  for (let up = false; !up; await sleep(20)) {
    up = await new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).once('error', () => resolve(false))
      socket.once('connect', () => socket.destroy())
    })
  }
  const stop = async () => {
    child.kill()
    await once(child, 'exit')
    rmSync(folder, { recursive: true, force: true })
  }
  return { port, stop }
}

async function main() {
  const { port, stop } = await server()
  try {
    const rows = [
      { what: 'one process, 64 loops, limit 256', processes: 1, loops: 64, limit: 256, duration: 1500, hold: 0 },
      {
        what: 'four processes, 64 waiters each, limit 16',
        processes: 4,
        loops: 64,
        limit: 16,
        duration: 1500,
        hold: 0,
      },
      { what: 'two processes take turns, limit 1', processes: 2, loops: 1, limit: 1, duration: 2000, hold: 10 },
    ]
    for (const { what, processes, ...orders } of rows) {
      console.log(`\n${what}`)
      let base
      for (const contender of Object.keys(contenders)) {
        const { perSecond, waits, all } = await measure({ ...orders, contender, port }, processes)
        base ??= perSecond
        const ratio = contender === 'sluice' ? '' : `, sluice ${figure(base / perSecond)} times`
        const wait = `acquire p50 ${figure(quantile(waits, 0.5))} p99 ${figure(quantile(waits, 0.99))} ms`
        const woken = wakeUps(all)
        const wake = `wake-up p50 ${figure(quantile(woken, 0.5))} p99 ${figure(quantile(woken, 0.99))} ms (${woken.length})`
        console.log(
          `  ${contender.padEnd(16)}${orders.hold > 0 ? wake : `${figure(perSecond)} pairs/s, ${wait}${ratio}`}`,
        )
      }
    }
  } finally {
    await stop()
  }
}

if (process.argv[2] === undefined) await main()
else await worker(JSON.parse(process.argv[2]))
