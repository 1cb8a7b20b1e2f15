// Runs the test files it is given, a few at a time, and then by themselves those that judge what a machine can do: with
// one reporter and one summary. Ends with 1 when a test failed. A file that does not end is ended, and what it was at is
// named: one that hangs must cost minutes, and not the whole run.
import { readdirSync, readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'

/** These weigh throughput, latency or the order of several processes, and must not share the cores. */
const ALONE = [
  'gateway/dist/test/integration/bench.test.js',
  'gateway/dist/test/integration/computing.test.js',
  'gateway/dist/test/integration/demo-page.test.js',
  'gateway/dist/test/integration/demo.test.js',
  'gateway/dist/test/integration/load.test.js',
  'sluice/dist/test/integration/battery.test.js',
  'sluice/dist/test/integration/fleet-slots-chaos.test.js',
]

/** How many files at a time. One more than CI has cores: one of three waits for something most of the time. */
const LANES = Number(process.env.SLUICE_TEST_LANES ?? 3)
/** What may take many seconds begins first, so that short ones are left for the end and all lanes end together. */
const LONG = /\/(integration|sim|simulate)\/|mutants|invariants|contenders|pool-sim|fuzz\.test|package\.test/

/** How long one file may take, in ms: several times what the slowest needs. */
const LONGEST = Number(process.env.SLUICE_TEST_LONGEST ?? 300_000)
/** Every process of this run carries it, also one whose parent has ended. */
const MARK = `SLUICE_TEST_RUN=${process.pid}`

const SUM = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) ([\d.]+)$/

const files = process.argv.slice(2)
const alone = files.filter((file) => ALONE.some((name) => file.endsWith(name)))
const together = files.filter((file) => !alone.includes(file)).sort((a, b) => LONG.test(b) - LONG.test(a))

/** What each file has begun and not ended. */
const open = new Map()

function follow({ type, data }) {
  if (data?.file === undefined || data.name === data.file) return
  const begun = open.get(data.file) ?? new Map()
  open.set(data.file, begun)
  const key = `${data.nesting}:${data.line}:${data.name}`
  if (type === 'test:dequeue') begun.set(key, data.name)
  else if (type === 'test:pass' || type === 'test:fail' || type === 'test:complete') begun.delete(key)
}

function tellTimeout({ type, data }) {
  if (type !== 'test:fail' || data.details?.error?.failureType !== 'testTimeoutFailure') return
  const at = [...(open.get(data.file)?.values() ?? [])].join(' > ')
  const what = at === '' ? 'it had begun nothing, or something it started did not end' : `it was at: ${at}`
  process.stderr.write(`sluice: ${relative('', data.name)} did not end within ${LONGEST / 1000} s; ${what}\n`)
}

/** The events of both runs as those of one. */
async function* events() {
  const sums = new Map()
  let closing
  for (const [group, concurrency] of [
    [together, LANES],
    [alone, 1],
  ]) {
    if (group.length === 0) continue
    for await (const event of run({ files: group, concurrency, timeout: LONGEST })) {
      follow(event)
      tellTimeout(event)
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

/** Ends what is left of this run, and names it. Where there is no `/proc` nothing is found. */
function endSurvivors() {
  let pids = []
  try {
    pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
  } catch {}
  for (const pid of pids) {
    try {
      if (!readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(MARK)) continue
      const command = readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ').slice(0, 200)
      process.stderr.write(`sluice: a test left this behind, it is ended: ${pid} ${command}\n`)
      process.kill(Number(pid), 'SIGKILL')
      process.exitCode = 1
    } catch {} // It is not ours to read, or has just ended.
  }
}

process.env.SLUICE_TEST_RUN = `${process.pid}`
// Not the output itself: it is not to be ended by the stream before the survivors are told.
await pipeline(events, new spec(), process.stdout, { end: false })
endSurvivors()
// What a file that was ended has started may still hold a pipe of this process open.
process.exit()
