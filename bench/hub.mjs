// A hub that feeds 10,000 readers over real sockets, of which 1,000 never read.
//
//   node bench/hub.mjs [--readers 10000] [--stuck 1000] [--ticks 12] [--rounds 2] [--every 500] [--size 4096] [--check]
//
// Server-sent events, with a server process and a process of clients for each run: all readers read; some never do, and
// their sockets are full from the start; the same with res.write in a loop in place of the hub. And the first two over
// WebSockets. Sockets are Unix domain sockets: their kernel buffer is some 200 kB a connection, where TCP on loopback
// would swallow 2.5 MB for each reader who never reads, and hide what happens then. --tcp uses TCP all the same. Arms take
// turns, and of each the round with the lower lag is shown: on a machine with neighbours the other measures those.
// --check exits 1 when a bar is missed.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    readers: { type: 'string', default: '10000' },
    stuck: { type: 'string', default: '1000' },
    ticks: { type: 'string', default: '12' },
    every: { type: 'string', default: '500' },
    size: { type: 'string', default: '4096' },
    rounds: { type: 'string', default: '2' },
    tcp: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
  },
})
const readers = Number(values.readers)
const stuck = Number(values.stuck)
const ticks = Number(values.ticks)
const every = Number(values.every)
const folder = mkdtempSync(join(tmpdir(), 'sluice-hub-'))
const file = (name) => fileURLToPath(new URL(`cases/${name}.mjs`, import.meta.url))
const running = new Set()
let runs = 0
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

function start(name, args, execArgv) {
  const child = fork(file(name), args.map(String), { execArgv })
  running.add(child)
  child.once('exit', (code) => {
    running.delete(child)
    if (code !== 0) throw new Error(`${name} ended with ${code}`)
  })
  return child
}

async function ask(child, message) {
  const answer = once(child, 'message')
  if (message !== undefined) child.send(message)
  return (await answer)[0]
}

async function run(how, never) {
  const address = values.tcp ? '0' : join(folder, `${runs++}.sock`)
  const server = start('hub-server', [how, address, values.size], ['--expose-gc', '--max-old-space-size=8192'])
  const { address: at } = await ask(server)
  const clients = start('hub-clients', [how, at, readers, never], ['--max-old-space-size=8192'])
  await ask(clients)
  const cost = await ask(server, { what: 'publish', ticks, every })
  const lag = await ask(clients, { what: 'read' })
  const gone = [server, clients].map((child) => once(child, 'exit'))
  clients.send({ what: 'exit' })
  server.send({ what: 'exit' })
  await Promise.all(gone)
  return { cost, lag, share: lag.received / ((readers - never) * ticks) }
}

const MiB = (bytes) => (bytes / 2 ** 20).toFixed(0)
const row = (cells) => process.stdout.write(`| ${cells.join(' | ')} |\n`)
const judge = (holds, says) => {
  process.stdout.write(`${holds ? 'pass' : 'MISS'}  ${says}\n`)
  if (values.check && !holds) process.exitCode = 1
}

process.stdout.write(
  `${readers} readers over real ${values.tcp ? 'TCP' : 'Unix domain'} sockets, ${ticks} messages of ${values.size} bytes, one every ${every} ms\n\n`,
)
row([
  'readers',
  'never read',
  'lag p50, ms',
  'lag p99, ms',
  'of a message (median), ms',
  'delivered to those who read',
  'CPU a message, ms',
  'heap + external before, MiB',
  'growth',
  'RSS growth, MiB',
  'waiting',
  'in sockets, MiB',
  'dropped',
])
row(['---', ...Array.from({ length: 12 }, () => '---:')])
const found = {}
const arms = [
  ['hub, SSE', 'sse', 0],
  ['hub, SSE', 'sse', stuck],
  ['hub, WebSocket', 'ws', 0],
  ['hub, WebSocket', 'ws', stuck],
  ['res.write in a loop', 'naive', stuck],
]
const best = new Map()
for (let round = 0; round < Number(values.rounds); round++)
  for (const arm of arms) {
    const [, how, never] = arm
    // Once is enough to see it grow.
    if (how === 'naive' && round > 0) continue
    const result = await run(how, never)
    const before = best.get(arm)
    if (before === undefined || result.lag.usual < before.lag.usual) best.set(arm, result)
  }
for (const arm of arms) {
  const [name, how, never] = arm
  const result = best.get(arm)
  const { cost, lag, share } = result
  found[`${how} ${never}`] = result
  row([
    name,
    never,
    lag.p50.toFixed(0),
    lag.p99.toFixed(0),
    lag.usual.toFixed(0),
    `${(share * 100).toFixed(2)} %`,
    cost.cpu.toFixed(0),
    MiB(cost.before.used),
    MiB(cost.after.used - cost.before.used),
    MiB(cost.peak.rss - cost.before.rss),
    cost.stats.waiting,
    MiB(cost.held),
    cost.stats.oldest,
  ])
}
process.stdout.write('\n')
for (const how of ['sse', 'ws']) {
  const all = found[`${how} 0`]
  const some = found[`${how} ${stuck}`]
  // The median over messages of the p99 over readers: one hiccup of the machine is not a slow reader's doing.
  const ratio = some.lag.usual / all.lag.usual
  judge(
    ratio <= 1.3,
    `${how}: p99 with ${stuck} who never read is ${ratio.toFixed(2)} of the p99 when all read (bar 1.3)`,
  )
  const cpu = some.cost.cpu / all.cost.cpu
  judge(cpu <= 1.3, `${how}: a message costs ${cpu.toFixed(2)} of the CPU time it costs when all read (bar 1.3)`)
  judge(some.share > 0.999, `${how}: those who read get ${(some.share * 100).toFixed(2)} %`)
  const growth = some.cost.after.used - some.cost.before.used
  judge(growth < 32 * 2 ** 20, `${how}: heap and external grow by ${MiB(growth)} MiB (bar 32)`)
  judge(
    some.cost.stats.oldest > 0 && some.cost.stats.waiting <= stuck * 16,
    `${how}: ${some.cost.stats.oldest} dropped, each counted; ${some.cost.stats.waiting} wait, at most ${stuck * 16} may`,
  )
}
const loop = found[`naive ${stuck}`].cost
judge(
  loop.held > stuck * ticks * Number(values.size) * 0.9,
  `the control holds ${MiB(loop.held)} MiB in sockets, and more with every message`,
)
