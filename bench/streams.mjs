// Streams through the gateway beside other proxies, each alone on core 0 in its turn: what is added to the way of a token,
// what a slow client costs, when the upstream hears that a client left, and the race for a kept connection. Upstream and
// clients are this process, on core 1: one clock, and nobody waits for a timer (streams/lab.mjs).
//
//   npm run bench -- streams                                          everything: about four minutes
//   npm run bench -- streams tokens aborts --only gateway,undici --rounds 5 [--check]
//   npm run bench -- streams slow --lasts 200                         the whole 200 MB at 1 MB/s, by each of them
//
// Figures mean something only where nobody else uses the machine: this process spins. --check exits 1 where a bar is missed.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { proxyProgram, startProxy } from './cases/c-proxies.mjs'
import { startServer } from './cases/rounds.mjs'
import { aborts } from './streams/aborts.mjs'
import { race } from './streams/race.mjs'
import { slow } from './streams/slow.mjs'
import { tokens } from './streams/tokens.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    streams: { type: 'string', default: '200' },
    rate: { type: 'string', default: '50' },
    seconds: { type: 'string', default: '5' },
    megabytes: { type: 'string', default: '200' },
    pace: { type: 'string', default: '1' },
    lasts: { type: 'string', default: '15' },
    aborts: { type: 'string', default: '100' },
    gets: { type: 'string', default: '2000' },
    check: { type: 'boolean', default: false },
  },
})
const { only: wanted, check, ...numbers } = values
const options = Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, Number(value)]))
const only = wanted?.split(',')
const parts = { tokens, slow, aborts, race }
const names = positionals.length === 0 ? Object.keys(parts) : positionals
const unknown = names.find((name) => parts[name] === undefined)
if (unknown !== undefined) {
  process.stderr.write(`no such part: ${unknown}; there are ${Object.keys(parts).join(', ')}\n`)
  process.exit(2)
}

const path = (name) => fileURLToPath(new URL(`cases/${name}.mjs`, import.meta.url))
const isWanted = (name) => only === undefined || only.some((part) => name.includes(part))

/** Starts whoever was asked for; nobody at all is `direct`, which everything is compared with. */
async function contenders({ url, host }) {
  const started = [{ name: 'direct', port: Number(new URL(url).port), pid: undefined, stop: async () => {} }]
  const add = (name, server) => started.push({ name, port: server.port, pid: server.pid, stop: () => server.stop() })
  if (isWanted('gateway')) add('gateway', await startServer(path('gateway-server'), [url, 'streams']))
  if (isWanted('bare undici')) add('bare undici', await startServer(path('passthrough-server'), [url]))
  for (const name of ['nginx', 'haproxy'])
    if (!isWanted(name)) continue
    else if (proxyProgram(name) === undefined) process.stdout.write(`${name} is not installed: left out\n`)
    else add(name, await startProxy(name, host, { streams: true }))
  return started
}

function rows(title, heads, lines) {
  process.stdout.write(`\n## ${title}\n\n| ${heads.join(' | ')} |\n|---${'|---:'.repeat(heads.length - 1)}|\n`)
  for (const line of lines) process.stdout.write(`| ${line.join(' | ')} |\n`)
  process.stdout.write('\n')
}

let missed = 0

function bar(what, found, least, isMet) {
  if (!isMet) missed++
  process.stdout.write(`- ${what}: ${found}, bar ${least}: ${isMet ? 'kept' : 'MISSED'}\n`)
}

execFileSync('taskset', ['-a', '-p', '-c', '1', String(process.pid)], { stdio: 'ignore' })
for (const name of names) await parts[name]({ contenders, options, rows, bar })
if (check && missed > 0) process.exitCode = 1
