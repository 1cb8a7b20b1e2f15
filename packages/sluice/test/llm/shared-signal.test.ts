import { describe, it } from 'node:test'
import { shareOneSignal, type Uses } from '../one-signal.ts'
import { bench, limitsOf, MINUTE, small } from './pool-bench.ts'

/** Requests that wait for their turn, behind one that has taken all there is at first. */
function waiting(): Uses {
  const { clock, pool } = bench({ limits: [limitsOf({ concurrency: 1 })] })
  const first = pool.acquire(small)
  return {
    begin: async (signal) => (await pool.acquire({ ...small, signal, maxWait: 1e9 })).settle({ input: 1, output: 1 }),
    finish: async () => {
      ;(await first).settle({ input: 1, output: 1 })
      await clock.pass(5 * MINUTE)
    },
  }
}

describe('S2.3 one signal for many requests of a model', () => {
  it('S2.3 those who wait share one listener, leave none, and all hear of the abort', () => shareOneSignal(waiting))
})
