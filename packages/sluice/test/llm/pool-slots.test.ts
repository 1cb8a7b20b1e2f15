import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { memoryBuckets, memorySlots, type SlotCoordinator } from '../../src/coordinate/index.ts'
import { seeded } from '../../src/ground/index.ts'
import { llmPool, provider } from '../../src/llm/index.ts'
import { StepClock } from './step-clock.ts'

describe('pools that share slots', () => {
  it('S2.3 everybody is served, never more at once than there are slots, and none is left behind', async () => {
    const clock = new StepClock()
    const store = memoryBuckets({ clock })
    const known = new Map<string, SlotCoordinator>()
    const slots = (key: string): SlotCoordinator => {
      const found = known.get(key) ?? memorySlots({ clock })
      known.set(key, found)
      return found
    }
    const limits = [provider.openai({ model: 'm', rpm: 1e6, tpm: 1e9, concurrency: 3 })]
    const pools = [1, 2, 3].map((seed) => llmPool({ limits, store, slots, clock, random: seeded(seed) }))
    let [inUse, most] = [0, 0]
    const served: number[] = []
    const call = async (at: number): Promise<void> => {
      const lease = await pools[at % pools.length]!.acquire({ model: 'm', input: 10, maxOutput: 10 })
      most = Math.max(most, ++inUse)
      await clock.sleep(20)
      inUse--
      lease.settle({ input: 10, output: 10 })
      served.push(at)
    }
    const calls = Promise.all(Array.from({ length: 90 }, (_, at) => call(at)))
    // 90 calls of 20 ms at 3 at once are 0.6 s; what comes on top is the asking.
    for (let waited = 0; served.length < 90 && waited < 60_000; waited += 100) await clock.pass(100)
    assert.equal(served.length, 90)
    await calls
    assert.equal(most, 3)
    await clock.pass(5000)
    const free = await Promise.all([1, 2, 3].map(() => pools[0]!.acquire({ model: 'm', input: 1, maxOutput: 1 })))
    assert.equal(free.length, 3)
    for (const lease of free) lease.abandon()
    await Promise.all([...pools.map((pool) => pool.close()), clock.pass(5000)])
  })
})
