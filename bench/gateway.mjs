// What the gateway costs beside other proxies, in one run: each alone on core 0 in its turn, nginx (the upstream) and wrk
// on core 1.
//
//   npm run bench -- gateway                                         everybody, every cell: six minutes
//   npm run bench -- gateway --bytes 128 --connections 64 --rounds 9 --only gateway,bare [--check]
//
// Rounds are short and interleaved, so that whoever else uses the machine hits everybody alike, and each is compared with
// the bare pass-through of the same round; the medians of those ratios are the result. CPU time is what the kernel says
// the proxy's process used (user + system), by request: the steadier figure. --check exits 1 where a bar is missed.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { proxyProgram, startProxy } from './cases/c-proxies.mjs'
import { startNginx } from './cases/nginx.mjs'
import { median, startServer, wrk } from './cases/rounds.mjs'

const { values } = parseArgs({
  options: {
    bytes: { type: 'string', default: '128,65536' },
    connections: { type: 'string', default: '64,256' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '1' },
    only: { type: 'string' },
    check: { type: 'boolean', default: false },
  },
})
const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)]
const only = values.only?.split(',')

const BARE = 'bare node:http → undici'
const GATEWAY = 'gateway, everything on'
const OPEN = 'gateway, no gate'
const PACKAGES = ['fast-proxy', 'http-proxy', 'http-proxy-3', '@fastify/http-proxy']
const C_PROXIES = ['nginx', 'haproxy']

const path = (name) => fileURLToPath(new URL(`cases/${name}.mjs`, import.meta.url))

/** Starts whoever was asked for; the bare pass-through always, for everything is compared with it. */
async function startAll(upstream) {
  const started = [{ name: BARE, server: await startServer(path('passthrough-server'), [upstream.url]) }]
  const wanted = (name) => only === undefined || only.some((part) => name.includes(part))
  for (const [kind, name, client] of [
    ['protected', GATEWAY, 'raw'],
    ['open', OPEN, 'raw'],
    ['protected', `${GATEWAY}, over undici`, 'undici'],
  ])
    if (wanted(name)) {
      process.env.SLUICE_UPSTREAM_CLIENT = client
      started.push({ name, server: await startServer(path('gateway-server'), [upstream.url, kind]) })
    }
  for (const name of PACKAGES)
    if (wanted(name)) started.push({ name, server: await startServer(path('node-proxies'), [name, upstream.url]) })
  for (const name of C_PROXIES)
    if (!wanted(name)) continue
    else if (proxyProgram(name) === undefined) process.stdout.write(`${name} is not installed: left out\n`)
    else started.push({ name, server: await startProxy(name, new URL(upstream.url).host) })
  return started
}

/** User and system time of a process so far, in s; Linux counts a hundredth. */
function cpuTime(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** Resident memory of a process, in MiB. */
function memory(pid) {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))[1]) / 1024
}

/** Until V8 has compiled what is hot: the more code, the later. */
const WARM_UP = 3

function measure(contenders, connections) {
  for (const contender of contenders) Object.assign(contender, { rates: [], cpu: [], refused: [], before: 0 })
  for (const { server } of contenders) wrk(`http://127.0.0.1:${server.port}/`, { seconds: WARM_UP, connections })
  for (const contender of contenders) contender.before = memory(contender.server.pid)
  for (let round = 0; round < rounds; round++)
    for (const { server, rates, cpu, refused } of contenders) {
      const before = cpuTime(server.pid)
      const answered = wrk(`http://127.0.0.1:${server.port}/`, { seconds, connections })
      // What was refused is an answer, but none of the upstream's.
      const rate = answered.rate * (1 - answered.refused)
      rates.push(rate)
      refused.push(answered.refused)
      cpu.push(((cpuTime(server.pid) - before) / (rate * seconds)) * 1e6)
    }
}

const percent = (ratio) => `${(ratio * 100).toFixed(0)} %`

const share = (ratio) => `${(ratio * 100).toFixed(1)} %`

function table(contenders) {
  const [bare] = contenders
  process.stdout.write(
    '| proxy | requests/s | of bare | lowest … highest | CPU µs a request | of bare | refused | memory MiB |\n',
  )
  process.stdout.write('|---|---:|---:|---:|---:|---:|---:|---:|\n')
  for (const contender of contenders) {
    const { name, rates, cpu, refused, server } = contender
    const ratios = rates.map((rate, round) => rate / bare.rates[round])
    contender.ratio = median(ratios)
    contender.cost = median(cpu)
    const range = `${percent(Math.min(...ratios))} … ${percent(Math.max(...ratios))}`
    const held = `${contender.before.toFixed(0)} → ${memory(server.pid).toFixed(0)}`
    const columns = [name, median(rates).toFixed(0), percent(contender.ratio), range, contender.cost.toFixed(1)]
    process.stdout.write(
      `| ${[...columns, percent(contender.cost / median(bare.cpu)), share(median(refused)), held].join(' | ')} |\n`,
    )
  }
}

let missed = 0

/** By throughput where the machine is quiet; by the CPU time of the proxy alone where somebody else took the core. */
function bar(what, mine, other, least) {
  const [rate, cpu] = [mine.ratio / other.ratio, other.cost / mine.cost]
  const kept = Math.max(rate, cpu) >= least
  if (!kept) missed++
  const figures = `${rate.toFixed(2)} by requests/s, ${cpu.toFixed(2)} by CPU time`
  process.stdout.write(`- everything on, times ${what}: ${figures}, bar ${least}: ${kept ? 'kept' : 'MISSED'}\n`)
}

function bars(contenders) {
  const of = (wanted) => contenders.find(({ name }) => name === wanted)
  const gateway = of(GATEWAY)
  if (gateway === undefined) return
  bar('bare dispatch', gateway, contenders[0], 0.9)
  for (const name of PACKAGES) if (of(name) !== undefined) bar(name, gateway, of(name), 1.8)
}

for (const bytes of values.bytes.split(',').map(Number)) {
  const upstream = await startNginx(bytes)
  let contenders = []
  try {
    contenders = await startAll(upstream)
    for (const connections of values.connections.split(',').map(Number)) {
      measure(contenders, connections)
      process.stdout.write(
        `\n## ${bytes} B, ${connections} connections, medians of ${rounds} rounds of ${seconds} s\n\n`,
      )
      table(contenders)
      process.stdout.write('\n')
      bars(contenders)
    }
  } finally {
    for (const { server } of contenders) await server.stop()
    await upstream.stop()
  }
}
if (values.check && missed > 0) process.exitCode = 1
