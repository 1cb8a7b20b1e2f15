// Runs the test files it is given, two at a time, and then by themselves those that judge what a machine can do: with
// one reporter and one summary. Ends with 1 when a test failed.
import { pipeline } from 'node:stream/promises'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'

/** These weigh throughput, latency or the order of several processes, and must not share the cores. */
const ALONE = [
  'gateway/dist/test/integration/bench.test.js',
  'gateway/dist/test/integration/computing.test.js',
  'gateway/dist/test/integration/demo-page.test.js',
  'gateway/dist/test/integration/demo.test.js',
  'sluice/dist/test/integration/battery.test.js',
  'sluice/dist/test/integration/fleet-slots-chaos.test.js',
]

const SUM = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) ([\d.]+)$/

const files = process.argv.slice(2)
const alone = files.filter((file) => ALONE.some((name) => file.endsWith(name)))
const together = files.filter((file) => !alone.includes(file))

/** The events of both runs as those of one. */
async function* events() {
  const sums = new Map()
  let closing
  for (const [group, concurrency] of [
    [together, 2],
    [alone, 1],
  ]) {
    if (group.length === 0) continue
    for await (const event of run({ files: group, concurrency })) {
      const [, word, number] = (event.type === 'test:diagnostic' && SUM.exec(event.data.message)) || []
      if (word === undefined || event.data.nesting !== 0) yield event
      else {
        closing = event
        sums.set(word, (sums.get(word) ?? 0) + Number(number))
      }
    }
  }
  for (const [word, sum] of sums) yield { ...closing, data: { ...closing.data, message: `${word} ${sum}` } }
  if ((sums.get('fail') ?? 0) + (sums.get('cancelled') ?? 0) > 0) process.exitCode = 1
}

await pipeline(events, new spec(), process.stdout)
