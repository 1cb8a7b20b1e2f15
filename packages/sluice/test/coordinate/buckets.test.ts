import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { memoryBuckets, type BucketsCoordinator, type BucketsGrant } from '../../src/coordinate/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import { BUDGET, moves, PLAIN, play, type LawBench } from './buckets-laws.ts'

function bench(wrap = (coordinator: BucketsCoordinator): BucketsCoordinator => coordinator): LawBench {
  const clock = new VirtualClock(1e6)
  return { coordinator: wrap(memoryBuckets({ clock })), pass: (duration) => clock.advance(duration) }
}

describe('S2.1 the coordinator of buckets, in memory', () => {
  it('S2.1 all or nothing, never above burst and rate, debt and refund exact, whatever is lost or said twice', async () => {
    await fc.assert(
      fc.asyncProperty(moves, async (script) => void (await play(bench(), script, 's'))),
      { numRuns: 500, seed: 6 },
    )
  })

  /** Coordinators that are wrong in one thing each. */
  const wrong: Record<string, (grant: BucketsGrant) => BucketsGrant> = {
    'grants half': (grant) => (grant.granted ? grant : { ...grant, level: grant.level.map((level) => level + 1) }),
    'says more is left': (grant) => ({ ...grant, available: grant.available.map((left) => left + 0.01) }),
    'is never short': (grant) => ({ ...grant, granted: true, retryAfter: 0 }),
    'says to come back too soon': (grant) => ({ ...grant, retryAfter: grant.retryAfter / 2 }),
  }
  for (const [what, spoil] of Object.entries(wrong))
    it(`S2.1 control: the laws notice one that ${what}`, async () => {
      const mutant = (coordinator: BucketsCoordinator): BucketsCoordinator => ({
        open: (...args) => {
          const account = coordinator.open(...args)
          return { ...account, state: async (statement) => spoil(await account.state(statement)) }
        },
      })
      await assert.rejects(
        fc.assert(
          fc.asyncProperty(moves, async (script) => void (await play(bench(mutant), script, 's'))),
          { numRuns: 200, seed: 6 },
        ),
      )
    })

  it('S2.1 whoever was known and is not any more finds the buckets empty, once', async () => {
    const clock = new VirtualClock(5)
    const coordinator = memoryBuckets({ clock })
    const zero = [0, 0]
    const first = coordinator.open(BUDGET, 'a', 'one')
    const plain = { ...PLAIN, claim: zero, keep: zero, need: [1, 100], want: [1, 100] }
    assert.equal((await first.state({ ...plain, turn: 1, known: false })).granted, true)
    coordinator.forget()
    const again = { ...PLAIN, claim: [1, 100], keep: [1, 100], need: [2, 101], want: [2, 101] }
    const grant = await first.state({ ...again, turn: 2, known: true })
    assert.deepEqual([grant.granted, grant.available], [false, [0, 0]])
    clock.advance(1000)
    const second = coordinator.open(BUDGET, 'a', 'two')
    const other = await second.state({ ...plain, turn: 9, known: true })
    assert.equal(other.granted, true, 'emptied once, not by each')
    const fresh = coordinator.open(BUDGET, 'b', 'three')
    assert.equal((await fresh.state({ ...plain, turn: 1, known: false })).granted, true, 'new tenants begin full')
  })

  it('S1.13 forgets tenants a minute after their buckets are full', async () => {
    const clock = new VirtualClock(5)
    const coordinator = memoryBuckets({ clock })
    const state = { ...PLAIN, turn: 1, known: false, claim: [0, 0], keep: [0, 0], need: [1, 1], want: [1, 1] }
    for (let tenant = 0; tenant < 10_000; tenant++) await coordinator.open(BUDGET, `t${tenant}`, 'one').state(state)
    assert.equal(coordinator.tenants, 10_000)
    clock.advance(70_000)
    for (let tenant = 0; tenant < 1024; tenant++) await coordinator.open(BUDGET, `n${tenant}`, 'one').state(state)
    assert.ok(coordinator.tenants <= 1024, `${coordinator.tenants} are remembered`)
  })
})
