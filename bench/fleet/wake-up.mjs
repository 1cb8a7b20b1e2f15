// From the end of use in one process to the beginning of use in another that waits.
import { setTimeout as sleep } from 'node:timers/promises'
import { quantile, run } from './runs.mjs'
import { figure, heading, row } from './rows.mjs'

/** A server that has just started listens for so long before it grants anything, in ms: nobody would take turns. */
const YOUNG = 3500
/** For so long, in ms, from before they are started: what has run for a while is compiled, and that is not measured. */
const WARM = 3000

function wakeUps(all) {
  const events = all.flatMap(({ grants, ends }, who) => [
    ...grants.map((at) => ({ at, who, what: 'grant' })),
    ...ends.map((at) => ({ at, who, what: 'end' })),
  ])
  events.sort((a, b) => a.at - b.at)
  const found = []
  for (let index = 1; index < events.length; index++) {
    const [before, after] = [events[index - 1], events[index]]
    if (before.what === 'end' && after.what === 'grant' && before.who !== after.who) found.push(after.at - before.at)
  }
  return found.toSorted((a, b) => a - b)
}

export async function wakeUp({ port }) {
  heading(`wake-up across processes: two take turns, limit 1, 10 ms of use, after ${WARM / 1000} s of turns without`)
  await sleep(YOUNG)
  for (const contender of ['share', 'strict', 'a message alone', 'redis-semaphore', 'bottleneck', 'naive']) {
    // Until the same moment: whoever has nobody to take turns with is not measured yet either.
    const warmTo = Number(process.hrtime.bigint()) / 1e6 + WARM
    const orders = { contender, port, loops: 1, limit: 1, hold: 10, warmTo }
    const woken = wakeUps((await run([orders, orders], 4000)).all)
    const [p50, p99] = [quantile(woken, 0.5), quantile(woken, 0.99)]
    const own = ['share', 'strict'].includes(contender)
    const found = `p50 ${figure(p50)} p99 ${figure(p99)} ms, ${woken.length} turns`
    row(contender, found, '1 and 5 ms', own ? p50 <= 1 && p99 <= 5 : undefined)
  }
}
