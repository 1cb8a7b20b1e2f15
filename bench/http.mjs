// What a door costs a hello world, next to what else people put in front: the server on one core, wrk on the other.
// And what it does to one request without a network, which is the figure that a busy machine disturbs least.
// `npm run bench -- http [--framework 'node:http'] [--rounds 9] [--seconds 1]`
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { median } from './cases/rounds.mjs'

const { values } = parseArgs({
  options: {
    framework: { type: 'string' },
    rounds: { type: 'string', default: '9' },
    seconds: { type: 'string', default: '1' },
    node: { type: 'string', default: process.execPath },
  },
})
const contenders = {
  'node:http': ['bare', 'counter', 'sluice', 'sluice, limit: 1000'],
  'express 5': ['bare', 'counter', 'sluice', 'sluice, limit: 1000', 'express-rate-limit'],
  fastify: ['bare', 'counter', 'sluice', 'sluice, limit: 1000', '@fastify/under-pressure', '@fastify/rate-limit'],
}
const aloneScript = new URL('cases/door-alone.mjs', import.meta.url)
const script = fileURLToPath(new URL('cases/http-server.mjs', import.meta.url))

async function start(framework, guard) {
  const child = spawn('taskset', ['-c', '0', values.node, script, framework, guard], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const ask = async () => (await once(child, 'message'))[0]
  const { port } = await ask()
  return {
    guard,
    rates: [],
    costs: [],
    refused: [],
    async measure() {
      child.send('cpu')
      const before = await ask()
      const [rate, requests, refused] = load(port)
      child.send('cpu')
      const after = await ask()
      this.rates.push(rate)
      this.refused.push((100 * refused) / requests)
      this.costs.push((after.user + after.system - before.user - before.system) / requests)
    },
    async stop() {
      const exit = once(child, 'exit')
      child.disconnect()
      await exit
    },
  }
}

function load(port) {
  const args = ['-c', '1', 'wrk', '-t1', '-c50', `-d${values.seconds}s`, `http://127.0.0.1:${port}/`]
  const output = execFileSync('taskset', args, { encoding: 'utf8' })
  const [, rate] = /Requests\/sec:\s+([\d.]+)/.exec(output)
  const [, requests] = /(\d+) requests in/.exec(output)
  const refused = /Non-2xx or 3xx responses: (\d+)/.exec(output)?.[1] ?? '0'
  return [Number(rate), Number(requests), Number(refused)]
}

/** The median of the ratios to the first of each round, in percent. */
function ratio(mine, first) {
  return (100 * median(mine.map((value, round) => value / first[round]))).toFixed(1)
}

/** In ns: the quickest batch of several runs. */
function alone(guard) {
  const runs = Array.from({ length: 5 }, () => Number(execFileSync(values.node, [fileURLToPath(aloneScript), guard])))
  return Math.min(...runs)
}

if (values.framework === undefined) {
  const bare = alone('bare')
  process.stdout.write('| the door alone | a request |\n|---|---:|\n')
  for (const guard of ['sluice', 'sluice, limit: 1000'])
    process.stdout.write(`| ${guard} | ${(alone(guard) - bare).toFixed(0)} ns |\n`)
  process.stdout.write('\n')
}
process.stdout.write(
  '| | guard | requests/s | of bare | processor time a request | of bare | refused |\n|---|---|---:|---:|---:|---:|---:|\n',
)
for (const [framework, guards] of Object.entries(contenders)) {
  if (values.framework !== undefined && values.framework !== framework) continue
  const servers = []
  try {
    for (const guard of guards) servers.push(await start(framework, guard))
    // Warm: the first rounds measure the compiler.
    for (const server of servers) await server.measure()
    for (const { rates, costs, refused } of servers) for (const list of [rates, costs, refused]) list.pop()
    for (let round = 0; round < Number(values.rounds); round++) {
      // Each begins a round as often as the others: whoever follows a pause finds the machine cooler.
      for (let at = 0; at < servers.length; at++) await servers[(at + round) % servers.length].measure()
    }
    const [bare] = servers
    for (const { guard, rates, costs, refused } of servers)
      process.stdout.write(
        `| ${framework} | ${guard} | ${median(rates).toFixed(0)} | ${ratio(rates, bare.rates)} % | ` +
          `${median(costs).toFixed(2)} µs | ${ratio(costs, bare.costs)} % | ${median(refused).toFixed(1)} % |\n`,
      )
  } finally {
    for (const server of servers) await server.stop()
  }
}
