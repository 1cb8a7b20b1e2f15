import { describe, it } from 'node:test'
import { bullmqConsumer, type BullmqJob } from '../../src/consumers/bullmq.ts'
import { semaphore } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import { shareOneSignal, type Uses } from '../one-signal.ts'

const job: BullmqJob = { moveToDelayed: () => Promise.resolve() }

/** Jobs that end when told to or called off. */
function working(): Uses {
  const clock = new VirtualClock()
  const ends: (() => void)[] = []
  const jobs = bullmqConsumer<BullmqJob, void>(
    (_job, { signal }) =>
      new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error))
        ends.push(resolve)
      }),
    { clock, gate: semaphore({ permits: 20, clock }) },
  )
  return {
    begin: (signal) => jobs.process(job, 'token', signal),
    finish: () => {
      for (const end of ends) end()
    },
  }
}

describe('S1.12 one signal for many jobs', () => {
  it('S1.12 jobs of BullMQ share one listener, leave none, and all hear of the abort', () => shareOneSignal(working))
})
