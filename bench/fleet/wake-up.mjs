// From the end of use in one process to the beginning of use in another that waits.
import { quantile, run } from './runs.mjs'
import { figure, heading, row } from './rows.mjs'

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
  heading('wake-up across processes: two take turns, limit 1, 10 ms of use')
  for (const contender of ['share', 'strict', 'a message alone', 'redis-semaphore', 'bottleneck', 'naive']) {
    const orders = { contender, port, loops: 1, limit: 1, hold: 10 }
    const woken = wakeUps((await run([orders, orders], 4000)).all)
    const [p50, p99] = [quantile(woken, 0.5), quantile(woken, 0.99)]
    const own = ['share', 'strict'].includes(contender)
    const found = `p50 ${figure(p50)} p99 ${figure(p99)} ms, ${woken.length} turns`
    row(contender, found, '1 and 5 ms', own ? p50 <= 1 && p99 <= 5 : undefined)
  }
}
