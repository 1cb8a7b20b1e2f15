import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import type { Clock } from '../../src/index.ts'
import { memoryBuckets, type BucketsCoordinator } from '../../src/coordinate/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import { asks, playAsks } from './demand-laws.ts'
import {
  bigAmidSmall,
  calledSooner,
  holdsBig,
  holdsUrgent,
  killedAmidOthers,
  skewOf,
  tenantsOf,
  urgentAmidOthers,
} from './order-scenes.ts'
import { orderStage } from './order-stage.ts'

const memory = (clock: Clock): BucketsCoordinator => memoryBuckets({ clock })

describe('S1.13 who is next among processes, with the store in memory', () => {
  it('S1.13 keeps the laws of who is next, whoever asks for what', async () => {
    await fc.assert(
      fc.asyncProperty(asks, async (script) => {
        const clock = new VirtualClock(1000)
        await playAsks({ coordinator: memory(clock), pass: (duration) => clock.advance(duration) }, script, 's')
      }),
      { numRuns: 500, seed: 8 },
    )
  })

  it('S1.13 one who waits for a whole bucket is passed by no more than the stated bound', async () => {
    holdsBig(await bigAmidSmall(orderStage(memory)))
  })

  it('S1.13 control: where the store does not know who waits, it starves', async () => {
    const starved = await bigAmidSmall(orderStage(memory, 'no demands'))
    assert.deepEqual(starved.times, [Infinity])
  })

  it('S2.3 the best class first, wherever it waits', async () => {
    holdsUrgent(await urgentAmidOthers(orderStage(memory)))
    const control = await urgentAmidOthers(orderStage(memory, 'no demands'))
    assert.throws(() => holdsUrgent(control))
  })

  it('S2.3 tenants get what their weights say, within a tenth over 5 s, at whichever pools they are', async () => {
    const shares = await tenantsOf(orderStage(memory, 'all', 5))
    assert.ok(skewOf(shares) < 0.04, JSON.stringify(shares))
    const control = await tenantsOf(orderStage(memory, 'no demands', 5))
    assert.ok(control['c']! < 0.125, `control: ${JSON.stringify(control)}`)
  })

  it('S3.5 what comes back is heard of: nobody waits for a time that was computed without it', async () => {
    const { left, givenBack } = await calledSooner(orderStage(memory))
    assert.ok(left <= 10, `${left} ms after the one before left`)
    // Told within a lease.
    assert.ok(givenBack <= 200 + 10, `${givenBack} ms after it was given back`)
    const deaf = (clock: Clock): BucketsCoordinator => {
      const store = memory(clock)
      return { open: (budget, tenant, session) => store.open(budget, tenant, session) }
    }
    const control = await calledSooner(orderStage(deaf))
    assert.ok(control.left > 500 && control.givenBack > 500, JSON.stringify(control))
  })

  it('S3.5 what is kept for a process that is killed is others’ soon', async () => {
    const longest = await killedAmidOthers(orderStage(memory))
    assert.ok(longest <= 1250 + 1000, `${longest} ms`)
  })
})
