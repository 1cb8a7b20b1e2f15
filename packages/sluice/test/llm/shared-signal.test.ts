import { describe, it } from 'node:test'
import { abortableSleep } from '../../src/llm/ways/abortable-sleep.ts'
import { AnswerWatch } from '../../src/llm/ways/answer-watch.ts'
import { shareOneSignal, type Uses } from '../one-signal.ts'
import { bench, limitsOf, MINUTE, small, takeAll, warmed } from './pool-bench.ts'
import { StepClock } from './step-clock.ts'

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

/** Answers under way. */
async function answers(): Promise<Uses> {
  const leases = await takeAll(await warmed(), small, 20)
  const settles: (() => void)[] = []
  return {
    begin: (signal) =>
      new Promise<void>((resolve, reject) => {
        const watch = new AnswerWatch(leases.pop()!, signal, () => {
          reject(signal.reason as Error)
          return {}
        })
        settles.push(() => {
          watch.settle({ input: 1, output: 1 })
          resolve()
        })
      }),
    finish: () => settles.forEach((settle) => settle()),
  }
}

/** Pauses before another attempt. */
function pauses(): Uses {
  const clock = new StepClock()
  return { begin: (signal) => abortableSleep(clock, 1000, signal), finish: () => clock.pass(1000) }
}

describe('S2.3 one signal for many requests of a model', () => {
  for (const [who, uses] of Object.entries({ 'those who wait': waiting, 'answers under way': answers, pauses }))
    it(`S2.3 ${who} share one listener, leave none, and all hear of the abort`, () => shareOneSignal(uses))
})
