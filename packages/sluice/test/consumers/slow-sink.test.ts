import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { kafkaConsumer, type KafkaMessage } from '../../src/consumers/kafka.ts'
import { seeded, semaphore, type Gate } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import { Plant } from '../sim/rig.ts'
import { settle } from '../stream/settle.ts'

/** A partition without end before a sink that has 16 workers, and 2 later: how much the consumer gives it at once. */
async function given(
  gate: ((clock: VirtualClock) => Gate) | undefined,
): Promise<readonly [before: number, after: number]> {
  const clock = new VirtualClock(1000)
  const sink = new Plant(clock, 16, () => 10)
  const line = { paused: false }
  let offset = 0
  const orders = kafkaConsumer(
    {
      pause: () => (line.paused = true),
      resume: () => (line.paused = false),
      commitOffsets: async () => undefined,
      on: () => undefined,
    },
    (_message: KafkaMessage) => new Promise<void>((resolve) => sink.work(resolve)),
    { clock, random: seeded(3), order: 'none', ...(gate !== undefined && { gate: gate(clock) }) },
  )
  const mean = async (duration: number): Promise<number> => {
    let sum = 0
    for (let now = 0; now < duration; now++) {
      while (!line.paused)
        void orders.eachMessage({
          topic: 'topic',
          partition: 0,
          message: { offset: `${offset++}`, key: null },
          heartbeat: async () => undefined,
        })
      clock.advance(1)
      await settle()
      sum += orders.stats.running
    }
    return sum / duration
  }
  await mean(8000)
  const before = await mean(2000)
  sink.slots = 2
  await mean(8000)
  return [before, await mean(2000)]
}

describe('a consumer before a sink that becomes slow', () => {
  it('S1.12 gives it less at once; control: with a fixed number the sink is given what it cannot do', async (t) => {
    const [before, after] = await given(undefined)
    assert.ok(before >= 12, `${before} at once before`)
    assert.ok(after <= before / 2, `${after} at once after, ${before} before`)
    const [fixedBefore, fixedAfter] = await given((clock) => semaphore({ permits: 20, clock }))
    t.diagnostic(`at work: ${before.toFixed()} with 16 workers, ${after.toFixed()} with 2`)
    assert.deepEqual([Math.round(fixedBefore), Math.round(fixedAfter)], [20, 20])
  })
})
