// How long the most important wait behind many who matter less.
import { quantile, run } from './runs.mjs'
import { figure, heading, row } from './rows.mjs'

export async function classes({ port }) {
  heading('wait of the top class behind 96 of a low one in three processes, limit 8, 10 ms of use')
  for (const contender of ['share', 'strict', 'redis-semaphore', 'bottleneck', 'naive']) {
    const common = { contender, port, limit: 8, hold: 10 }
    const low = { ...common, loops: 32, priority: 0 }
    const { all } = await run([low, low, low, { ...common, loops: 1, priority: 3, pause: 5 }], 4000)
    const waits = all.at(-1).waits.toSorted((a, b) => a - b)
    const p99 = waits.length === 0 ? Infinity : quantile(waits, 0.99)
    const found = `p50 ${figure(quantile(waits, 0.5))} p99 ${figure(p99)} ms, ${waits.length} of them`
    row(contender, found, 'p99 15 ms', ['share', 'strict'].includes(contender) ? p99 <= 15 : undefined)
  }
}
