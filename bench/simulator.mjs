// How quick the simulator is, gates included.
//
//   node bench/simulator.mjs [--check]
//
// Each case runs three times in this process after a warm-up, in processor time; the median counts. An event is a timer
// of the virtual clock: an arrival, the end of a piece of work, the end of a wait. --check exits 1 when a bar is missed.
import { parseArgs } from 'node:util'
import { simulate } from 'sluice/sim'

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } })
const BAR = 1e6

const scenario = (gate, times, lasts) => ({
  name: 'pool',
  plant: { kind: 'workers', slots: 20, service: { kind: 'gamma', mean: 50, cv: 0.6 } },
  load: { phases: [{ lasts, times }] },
  gate,
})
const cases = [
  ['no gate, 0.8×', scenario('none', 0.8, 400_000)],
  ['fixed limit, refuses at once, 2×', scenario({ limit: 20 }, 2, 400_000)],
  ['fixed limit, refuses at once, 10×', scenario({ limit: 20 }, 10, 100_000)],
  ['fixed limit, fifo of 60, 2×', scenario({ limit: 20, queue: { name: 'fifo', capacity: 60 } }, 2, 400_000)],
  ['adaptive limit, refuses at once, 2×', scenario({ queue: 'none' }, 2, 400_000)],
  ['the default limiter, 2×', scenario({}, 2, 400_000)],
  ['the default limiter, 10×', scenario({}, 10, 100_000)],
]

const row = (cells) => process.stdout.write(`| ${cells.join(' | ')} |\n`)
row(['gate and load', 'events', 'million events/s', 'million arrivals/s', 'times real time'])
row(['---', '---:', '---:', '---:', '---:'])
for (const [, warm] of cases) simulate({ ...warm, duration: 20_000 })
let slowest = Infinity
for (const [name, data] of cases) {
  const runs = [1, 2, 3].map((seed) => {
    const before = process.cpuUsage()
    const report = simulate(data, { seed })
    const { user, system } = process.cpuUsage(before)
    return { report, seconds: (user + system) / 1e6 }
  })
  const { report, seconds } = runs.toSorted((a, b) => a.seconds - b.seconds)[1]
  const speed = report.events / seconds
  slowest = Math.min(slowest, speed)
  row([
    name,
    report.events.toLocaleString('en'),
    (speed / 1e6).toFixed(2),
    (report.attempts.offered / seconds / 1e6).toFixed(2),
    (report.duration / 1000 / seconds).toFixed(0),
  ])
}
process.stdout.write(
  `\n${slowest >= BAR ? 'pass' : 'MISS'}  the slowest: ${(slowest / 1e6).toFixed(2)} M events/s; bar: 1 M\n`,
)
if (values.check && slowest < BAR) process.exitCode = 1
