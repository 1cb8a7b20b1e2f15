// Slots shared by several processes of one machine through sluice/arbiter: pairs of acquire and release a second, how long
// an acquire waits, and how soon a slot that falls free in one process is in use in another. Processes share the cores with
// whatever else runs: compare rows of one run.
//   node bench/arbiter.mjs [--json]
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { arbiter, fleetSlots } from 'sluice/arbiter'

const self = fileURLToPath(import.meta.url)
/** The clock all processes of a machine share, in ms. */
const now = () => Number(process.hrtime.bigint()) / 1e6
/** Times each row is measured; the best is told. */
const ROUNDS = 3
/** One waiting time in so many is kept. */
const SAMPLE = 64
/** Pairs in one turn of the event loop, about. */
const BATCH = 512

const ROWS = [
  { what: 'one process, 64 loops, limit 256', processes: 1, loops: 64, limit: 256, hold: 0 },
  { what: 'four processes, 64 loops each, limit 256', processes: 4, loops: 64, limit: 256, hold: 0 },
  { what: 'four processes, 64 loops each, limit 16', processes: 4, loops: 64, limit: 16, hold: 0 },
  { what: 'the same in strict order', processes: 4, loops: 64, limit: 16, hold: 0, order: 'strict' },
  { what: 'two processes take turns, limit 1', processes: 2, loops: 1, limit: 1, hold: 10 },
  { what: 'the same in strict order', processes: 2, loops: 1, limit: 1, hold: 10, order: 'strict' },
]

async function worker({ folder, loops, limit, hold, duration, order = 'share' }) {
  const local = arbiter({ folder })
  const gate = fleetSlots({ coordinator: local.slots('bench'), limit, order, onDown: 'closed', maxWait: 30_000 })
  let [pairs, refused] = [0, 0]
  const [waits, grants, ends] = [[], [], []]
  let [rest, turn] = [BATCH, undefined]
  const nextTurn = () =>
    new Promise((resolve) => {
      setImmediate(() => {
        ;[rest, turn] = [BATCH, undefined]
        resolve()
      })
    })
  const loop = async () => {
    for (;;) {
      const sampled = hold > 0 || pairs % SAMPLE === 0
      const asked = sampled ? now() : 0
      // Refused when it is over; or when the arbiter, whose process runs loops too, has had no turn for a quarter second.
      const permit = await gate.acquire().catch(() => undefined)
      if (stopped) return permit?.release('success')
      if (permit === undefined) {
        refused++
        await sleep(5)
        continue
      }
      if (sampled) {
        const granted = now()
        waits.push(granted - asked)
        grants.push(granted)
      }
      if (hold > 0) {
        await sleep(hold)
        ends.push(now())
      }
      permit.release('success')
      pairs++
      // Else it would be back in line before the slot has gone anywhere.
      if (hold > 0) rest = 0
      // Whoever comes by slots without any input still has to listen, and the arbiter may be among them.
      if (--rest <= 0) await (turn ??= nextTurn())
    }
  }
  let stopped = false
  // Once before, so that somebody is the arbiter; on a busy machine that may take longer than an answer may.
  for (let ready = false; !ready; await sleep(5)) {
    const permit = await gate.acquire().catch(() => undefined)
    permit?.release('success')
    ready = permit !== undefined
  }
  process.send('ready')
  await once(process, 'message')
  const begun = now()
  for (let at = 0; at < loops; at++) void loop()
  await sleep(duration)
  stopped = true
  const took = now() - begun
  process.send({ perSecond: (pairs / took) * 1000, refused, waits, grants, ends })
  await once(process, 'message')
  gate.close()
  local.close()
  process.disconnect()
}

async function measure(row) {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-arbiter-'))
  const orders = JSON.stringify({ ...row, folder, duration: row.hold > 0 ? 2000 : 1000 })
  const children = Array.from({ length: row.processes }, () => fork(self, [orders]))
  try {
    await Promise.all(children.map(said))
    const results = children.map(said)
    for (const child of children) child.send('go')
    const all = (await Promise.all(results)).map(([result]) => result)
    const gone = children.map((child) => once(child, 'exit'))
    for (const child of children) child.send('end')
    await Promise.all(gone)
    return {
      perSecond: all.reduce((sum, { perSecond }) => sum + perSecond, 0),
      waits: sorted(all.flatMap(({ waits }) => waits)),
      refused: all.reduce((sum, result) => sum + result.refused, 0),
      woken: row.hold > 0 ? wakeUps(all) : [],
    }
  } finally {
    for (const child of children) child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The next message of a child, which must not end before. */
async function said(child) {
  const failed = new AbortController()
  child.once('exit', () => failed.abort(new Error('a process ended before it had measured anything')))
  return once(child, 'message', { signal: failed.signal })
}

/** From the end of one process's use to the beginning of another's. */
function wakeUps(all) {
  const events = all.flatMap(({ grants, ends }, who) => [
    ...grants.map((at) => ({ at, who, begins: true })),
    ...ends.map((at) => ({ at, who, begins: false })),
  ])
  events.sort((a, b) => a.at - b.at)
  const found = []
  for (const [index, after] of events.entries()) {
    const before = events[index - 1]
    if (before?.begins === false && after.begins && before.who !== after.who) found.push(after.at - before.at)
  }
  return sorted(found)
}

const sorted = (values) => values.toSorted((a, b) => a - b)
const quantile = (values, q) => values[Math.min(values.length - 1, Math.floor(q * values.length))] ?? Number.NaN
const figure = (value) => (value >= 1000 ? Math.round(value).toLocaleString('en') : value.toPrecision(3))
const p50p99 = (values) => `p50 ${figure(quantile(values, 0.5))} p99 ${figure(quantile(values, 0.99))} ms`

async function main() {
  const json = process.argv.includes('--json')
  const found = []
  for (const row of ROWS) {
    const rounds = []
    for (let round = 0; round < ROUNDS; round++) rounds.push(await measure(row))
    const rank = (round) => (row.hold > 0 ? quantile(round.woken, 0.5) : -round.perSecond)
    const [{ perSecond, refused, waits, woken }] = rounds.toSorted((a, b) => rank(a) - rank(b))
    const order = row.order ?? 'share'
    const said =
      row.hold > 0
        ? `wake-up ${p50p99(woken)} (${woken.length} times)`
        : `${figure(perSecond).padStart(10)} pairs/s, acquire ${p50p99(waits)}`
    const more = refused === 0 ? '' : `, ${refused} refused`
    if (!json) process.stdout.write(`${row.what.padEnd(44)}${said}${more}\n`)
    found.push({ ...row, order, perSecond, wakeUp: quantile(woken, 0.5) })
  }
  if (json) process.stdout.write(`${JSON.stringify(found)}\n`)
}

if (process.send === undefined) await main()
else await worker(JSON.parse(process.argv[2]))
