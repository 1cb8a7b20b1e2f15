// What admitting and refusing cost, beside peers in the same run, and which bars that passes.
//
//   node bench/micro.mjs [WORD] [--rounds 3] [--check]
//
// One process a case; medians of seven batches, in processor time. The cases take turns, and a ratio is taken within a
// round: what disturbs the machine disturbs both. --check exits 1 when a bar is missed.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '3' }, check: { type: 'boolean', default: false } },
})
const script = fileURLToPath(new URL('cases/micro-case.mjs', import.meta.url))
const ask = (name) => JSON.parse(execFileSync(process.execPath, [script, name], { encoding: 'utf8' }))
const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]

/** Whom the cases of a group are measured against; the first group has no word before a colon. */
const baselines = {
  '': 'async-sema',
  refusal: 'sluice limiter',
  bucket: 'bucket: bare',
  run: 'run: cockatiel bulkhead',
  breaker: 'breaker: cockatiel, consecutive',
  pipeline: 'pipeline: cockatiel bulkhead, breaker, timeout',
}
const groupOf = (name) => /^(\w+): /.exec(name)?.[1] ?? ''

const wanted = positionals[0] ?? ''
const all = ask('--list')
const chosen = new Set(all.filter((name) => name.includes(wanted)))
for (const name of chosen) chosen.add(baselines[groupOf(name)])
const names = all.filter((name) => chosen.has(name))
const rounds = []
for (let round = 0; round < Number(values.rounds); round++) rounds.push(new Map(names.map((name) => [name, ask(name)])))

const ns = (name) => median(rounds.map((round) => round.get(name).ns))
const bytes = (name) => median(rounds.map((round) => round.get(name).bytes))
/** How many times as fast as the other. */
const rate = (name, other) => median(rounds.map((round) => round.get(other).ns / round.get(name).ns))

const row = (cells) => process.stdout.write(`| ${cells.join(' | ')} |\n`)
row(['case', 'ns an operation', 'lowest … highest round', 'bytes', 'rate against'])
row(['---', '---:', '---:', '---:', '---'])
for (const name of names) {
  const each = rounds.map((round) => round.get(name).ns)
  const other = baselines[groupOf(name)]
  row([
    name,
    ns(name).toFixed(1),
    `${Math.min(...each).toFixed(1)} … ${Math.max(...each).toFixed(1)}`,
    bytes(name).toFixed(0),
    `${rate(name, other).toFixed(2)} × ${other}`,
  ])
}

const clock = 'two clock readings'
const WORK = 'sluice limiter, work of 50 µs'
const SIGNALLED = 'pipeline: sluice, work that takes a signal'
const SIGNAL = 'pipeline: a signal, nothing else'
/** What must hold: a name, the cases it is about, what was measured, and the bar. */
const bars = [
  faster('sluice semaphore', 'async-sema', 0.5),
  {
    of: ['sluice semaphore'],
    says: () => `sluice semaphore allocates ${bytes('sluice semaphore').toFixed(0)} B an admission; bar: none`,
    holds: () => bytes('sluice semaphore') < 8,
  },
  faster('run: sluice semaphore', 'run: cockatiel bulkhead', 1),
  faster('run: sluice limiter, observed', 'run: p-limit', 2),
  ...['sluice limiter', 'sluice limiter, observed', WORK].map((name) => {
    const beyond = () => median(rounds.map((round) => round.get(name).ns - round.get(clock).ns))
    return {
      of: [name, clock],
      says: () => `${name} beyond two clock readings: ${beyond().toFixed(0)} ns; bar: at most 150`,
      holds: () => beyond() <= 150,
    }
  }),
  faster('bucket: sluice tryTake', 'bucket: bare', 0.9),
  faster('bucket: sluice tryEnter, release', 'bucket: bare', 0.9),
  faster('breaker: sluice, consecutive', 'breaker: cockatiel, consecutive', 1),
  faster('breaker: sluice, failure rate', 'breaker: cockatiel, sampling', 1),
  faster('pipeline: sluice with a deadline', baselines.pipeline, 10),
  cheaper('refusal: limiter', 'sluice limiter'),
  cheaper('refusal: limiter, queue full', WORK),
  cheaper('refusal: limiter, observed', 'sluice limiter, observed'),
]

function faster(name, other, bar) {
  return {
    of: [name, other],
    says: () => `${name}: ${rate(name, other).toFixed(2)} × ${other}; bar: ${bar}`,
    holds: () => rate(name, other) >= bar,
  }
}

function cheaper(refusal, admission) {
  const share = () => 1 / rate(refusal, admission)
  return {
    of: [refusal, admission],
    says: () => `${refusal}: ${(share() * 100).toFixed(0)} % of ${admission}; bar: 20 %`,
    holds: () => share() <= 0.2,
  }
}

process.stdout.write('\n')
for (const { says, holds } of bars.filter((bar) => bar.of.every((name) => chosen.has(name)))) {
  process.stdout.write(`${holds() ? 'pass' : 'MISS'}  ${says()}\n`)
  if (values.check && !holds()) process.exitCode = 1
}
// No bar: nobody can be ten times as fast as this peer whose own signal takes a sixth of what the peer takes in all.
if (chosen.has(SIGNALLED) && chosen.has(SIGNAL))
  process.stdout.write(
    `note  ${SIGNALLED}: ${rate(SIGNALLED, baselines.pipeline).toFixed(2)} × ${baselines.pipeline}; ` +
      `making its AbortSignal and doing nothing else: ${rate(SIGNAL, baselines.pipeline).toFixed(2)} ×\n`,
  )
process.stdout.write('not measured: a port of the Netflix limiter (no npm package; 0.87 M/s where p-limit made 2.5)\n')
