// One cell of the table: one contender before one plant, at one multiple of its capacity, over one kind of connection.
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { startChild } from '../../packages/gateway/dist/src/demo/child.js'
import { openLoop } from '../../packages/gateway/dist/src/load/index.js'
import { plants } from './plants.mjs'
import { transportTo } from './transports.mjs'

/** Left out at the beginning: a limit has to be found first. */
export const LEFT_OUT = 3000
/** After the capacity has fallen it has to be found again. */
const AFTER_THE_FALL = 1000
/** Clients for each piece of work a plant does at once. Fewer would all wait at the same time, and then nobody computes. */
const CROWD = 16

/** Starts a contender before its plant. */
async function start(plant, contender) {
  const child = fork(fileURLToPath(new URL('server.mjs', import.meta.url)), [plant, contender], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const gone = new Promise((resolve) => child.once('exit', resolve))
  const served = {
    told: {},
    halve: () => child.send('halve'),
    async stop() {
      child.kill('SIGKILL')
      await gone
    },
  }
  served.port = await new Promise((resolve, reject) => {
    child.on('message', (message) => {
      if ('port' in message) resolve(message.port)
      else served.told = message
    })
    void gone.then(() => reject(new Error(`${contender} before plant ${plant} could not start`)))
  })
  return served
}

/** Starts the gateway before an unprotected plant. */
async function startGateway(plant) {
  const upstream = await start(plant, 'none')
  const gateway = await startChild({ role: 'gateway', upstream: `http://127.0.0.1:${upstream.port}`, protect: true })
  return {
    port: gateway.port,
    get told() {
      return { stats: gateway.load }
    },
    halve: upstream.halve,
    async stop() {
      await gateway.stop()
      await upstream.stop()
    },
  }
}

/**
 * What the plant can do in a second, as far as a client can tell: a closed loop with a few more clients than it works
 * for at once, nothing protected. Where it follows from the plant, that.
 */
export async function capacityOf(plant, connections) {
  const { capacity, slots } = plants[plant]
  if (capacity !== undefined) return capacity
  const server = await start(plant, 'none')
  const transport = await transportTo(server.port, connections, CROWD * slots)
  let answers = 0
  let over = false
  const ask = () => {
    if (!over)
      transport.send({
        answered() {
          answers++
          // A transport takes its connection back only after this returns.
          setImmediate(ask)
        },
        failed: ask,
      })
  }
  for (let client = 0; client < CROWD * slots; client++) ask()
  await new Promise((resolve) => setTimeout(resolve, 500))
  const [before, from] = [answers, performance.now()]
  await new Promise((resolve) => setTimeout(resolve, 2500))
  const found = ((answers - before) / (performance.now() - from)) * 1000
  over = true
  transport.close()
  await server.stop()
  return found
}

/** Offers `times` × `capacity` for `seconds`. */
export async function measure({ plant, contender, times, connections, seconds, capacity }) {
  const { halves = false } = plants[plant]
  const server = contender === 'gateway' ? await startGateway(plant) : await start(plant, contender)
  try {
    const transport = await transportTo(server.port, connections)
    const rate = capacity * times
    const measured = { name: 'measured', rate, duration: seconds * 1000 - LEFT_OUT }
    const phases = [{ name: 'left out', rate, duration: LEFT_OUT }, measured]
    if (halves) phases.splice(1, 0, { name: 'after the fall', rate, duration: AFTER_THE_FALL })
    let stats
    let busy = 0
    let before
    const report = await openLoop({
      transport,
      phases,
      onSecond: ({ at }) => {
        if (halves && at * 1000 === LEFT_OUT) server.halve()
        // Read while the load is still on: afterwards the limit says nothing about it.
        stats = server.told.stats
        before ??= { cpu: server.told.cpu, at }
        if (at > before.at) busy = (server.told.cpu - before.cpu) / (at - before.at) / 1000
      },
    })
    transport.close()
    const seen = report.phases.at(-1)
    const possible = halves ? capacity / 2 : capacity
    const good = (seen.good / seen.duration) * 1000
    return { plant, contender, times, connections, capacity, possible, good, share: good / possible, busy, stats, seen }
  } finally {
    await server.stop()
  }
}
