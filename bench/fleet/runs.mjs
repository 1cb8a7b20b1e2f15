// Runs of several processes that take slots as fast as they can, begun and ended together.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('runner.mjs', import.meta.url))

/** All of one run: pairs a second, waits in ms in order, and what each process says of itself. */
export async function run(all, duration) {
  const children = all.map((orders) => fork(PROGRAM, [JSON.stringify({ duration, ...orders })]))
  await Promise.all(children.map((child) => once(child, 'message')))
  const results = children.map((child) => once(child, 'message'))
  for (const child of children) child.send('go')
  const found = (await Promise.all(results)).map(([result]) => result)
  const waits = found.flatMap((one) => one.waits).toSorted((a, b) => a - b)
  const sum = (of) => found.reduce((total, one) => total + of(one), 0)
  const pairs = sum((one) => one.pairs)
  // What a machine that is busy with other things hides: how many there are in a second of these processes' own time.
  return { perSecond: pairs / (duration / 1000), perCpu: pairs / sum((one) => one.cpu), waits, all: found }
}

export function quantile(sorted, q) {
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN
}

/** The best of some runs, for what else runs on the machine only makes them worse. */
export async function bestOf(rounds, measure, better) {
  let best
  for (let round = 0; round < rounds; round++) {
    const found = await measure()
    if (best === undefined || better(found, best)) best = found
  }
  return best
}
