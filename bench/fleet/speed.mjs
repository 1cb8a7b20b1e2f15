// Pairs of acquire and release a second: with nobody in the way, and with four processes that want one limit.
import { bestOf, quantile, run } from './runs.mjs'
import { figure, heading, row } from './rows.mjs'

const NAMES = ['share', 'strict', 'redis-semaphore', 'bottleneck', 'naive']
const faster = (a, b) => a.perSecond > b.perSecond

export async function speed({ port }) {
  heading('pairs of acquire and release a second: one process, 64 loops, limit 256; best of 3')
  for (const contender of NAMES) {
    const orders = { contender, port, loops: 64, limit: 256 }
    const { perSecond, perCpu, waits } = await bestOf(3, () => run([orders], 1500), faster)
    const found = `${figure(perSecond)}/s, ${figure(perCpu)} per CPU s, p50 ${figure(quantile(waits, 0.5))} ms`
    row(contender, found, '1,000,000', contender === 'share' ? perSecond >= 1e6 : undefined)
  }
  heading('the same of four processes with 64 waiters each, limit 16; best of 3')
  const bars = { share: 500_000, strict: 30_000 }
  for (const contender of NAMES) {
    const orders = { contender, port, loops: 64, limit: 16 }
    const { perSecond, waits } = await bestOf(3, () => run([orders, orders, orders, orders], 1500), faster)
    const p99 = quantile(waits, 0.99)
    const bar = bars[contender]
    const found = `${figure(perSecond)}/s, acquire p50 ${figure(quantile(waits, 0.5))} p99 ${figure(p99)} ms`
    row(contender, found, bar === undefined ? '' : figure(bar), bar === undefined ? undefined : perSecond >= bar)
    if (contender === 'strict') row('', `acquire p99 ${figure(p99)} ms`, '30 ms', p99 <= 30)
  }
}
