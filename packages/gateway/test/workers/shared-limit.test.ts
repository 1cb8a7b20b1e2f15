import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { adaptive, seeded, type LimitAlgorithm, type Window } from 'sluice'
import { VirtualClock } from 'sluice/sim'
import { BEGAN, type PartDecision, type PartTold } from '../../src/workers/part-news.ts'
import { SharedLimit } from '../../src/workers/shared-limit.ts'
import { apart, play, sharing, type Stage } from './shared-limit-rig.ts'

const SEEDS = [1, 2, 3, 4]

/** The first stretch is for learning, and after the capacity has changed the second. */
const EVEN = (workers: number): readonly number[] => Array.from({ length: workers }, () => 1 / workers)
const ALL_ON = (worker: number, workers: number): readonly number[] =>
  Array.from({ length: workers }, (_, at) => (at === worker ? 1 : 0))

type Staged = (clock: VirtualClock, random: ReturnType<typeof seeded>, workers: number) => Stage

const stage = (staged: Staged, seed: number, workers: number): Stage =>
  staged(new VirtualClock(1000), seeded(seed), workers)

describe('a limit that workers share and that finds itself', () => {
  for (const workers of [1, 2, 4])
    it(`S3.5 ${workers} at ten times what can be done: 95 % and more of it, however the load is split`, () => {
      for (const seed of SEEDS) {
        const [, even, , skewed, , other] = play(stage(sharing, seed, workers), [
          { lasts: 3000, shares: EVEN(workers) },
          { lasts: 3000, shares: EVEN(workers) },
          { lasts: 500, shares: ALL_ON(0, workers) },
          { lasts: 3000, shares: ALL_ON(0, workers) },
          { lasts: 500, shares: ALL_ON(workers - 1, workers) },
          { lasts: 3000, shares: ALL_ON(workers - 1, workers) },
        ])
        for (const [name, { good, limits }] of Object.entries({ even: even!, skewed: skewed!, other: other! })) {
          assert.ok(good >= 0.95, `seed ${seed}, ${name}: ${good}`)
          const sum = limits.reduce((all, limit) => all + limit, 0)
          assert.ok(sum <= 45, `seed ${seed}, ${name}: ${limits.join()}`)
        }
      }
    })

  it('S3.5 and when the service has a quarter of its slots, and all of them again', () => {
    for (const seed of SEEDS) {
      const [, , less, , more] = play(stage(sharing, seed, 2), [
        { lasts: 3000, shares: EVEN(2) },
        { lasts: 2000, shares: EVEN(2), slots: 5 },
        { lasts: 3000, shares: EVEN(2) },
        { lasts: 2500, shares: EVEN(2), slots: 20 },
        { lasts: 3000, shares: EVEN(2) },
      ])
      assert.ok(less!.good >= 0.95 && more!.good >= 0.95, `seed ${seed}: ${less!.good}, ${more!.good}`)
    }
  })

  it('S3.5 and where messages take so long that much happens before a decision is in force', () => {
    const slow: Staged = (clock, random, workers) => sharing(clock, random, workers, 50)
    for (const seed of SEEDS) {
      const [, even, , less] = play(stage(slow, seed, 2), [
        { lasts: 3000, shares: EVEN(2) },
        { lasts: 3000, shares: EVEN(2) },
        { lasts: 3000, shares: EVEN(2), slots: 5 },
        { lasts: 3000, shares: EVEN(2) },
      ])
      assert.ok(even!.good >= 0.95 && less!.good >= 0.85, `seed ${seed}: ${even!.good}, ${less!.good}`)
    }
  })

  it('S3.5 and when no two requests take the same, where each for itself they take one another for the weather', () => {
    const goodput = (staged: Staged): number => {
      const all = SEEDS.flatMap((seed) => {
        const [, even, , less] = play(
          stage(staged, seed, 4),
          [
            { lasts: 3000, shares: EVEN(4) },
            { lasts: 3000, shares: EVEN(4) },
            { lasts: 2000, shares: EVEN(4), slots: 5 },
            { lasts: 4000, shares: EVEN(4) },
          ],
          true,
        )
        return [even!.good, less!.good]
      })
      return all.reduce((sum, good) => sum + good, 0) / all.length
    }
    const [shared, each] = [goodput(sharing), goodput(apart)]
    assert.ok(shared > 0.9 && each < shared - 0.3, `${shared} and ${each}`)
  })

  it('what happened is measured in the order in which it happened, whoever tells it first', () => {
    const clock = new VirtualClock(1000)
    const seen: Window[] = []
    const until = { samples: 2, error: 1, atLeast: 0, atMost: 1000 }
    const step = { state: undefined, limit: 100, reason: 'as ever', until }
    const algorithm: LimitAlgorithm<undefined> = {
      name: 'watches',
      init: () => step,
      step(_state, window) {
        seen.push(window)
        return step
      },
    }
    const shared = new SharedLimit({ algorithm, clock, send: () => {} })
    const tell = (member: string, inflight: number, ...events: number[]): void =>
      shared.hear(member, {
        events: Float64Array.from(events),
        until: clock.now(),
        inflight,
        queued: 0,
        era: 1,
        since: 1000,
        leaves: false,
      })
    for (const member of ['1/1', '2/1']) tell(member, 1)
    clock.advance(10)
    tell('1/1', 0, 1000, 1, BEGAN, 1008, 1, 0)
    assert.equal(seen.length, 0, 'the other may have something earlier to tell')
    clock.advance(2)
    tell('2/1', 0, 1002, 1, BEGAN, 1006, 1, 0)
    assert.deepEqual(
      seen.map(({ peakInflight, rtt: { count, min, mean } }) => [peakInflight, count, min, mean]),
      [[2, 2, 4, 6]],
    )
  })

  it('what a worker had in progress that has ended is in progress no more', () => {
    const clock = new VirtualClock(1000)
    const told: [string, PartDecision][] = []
    const shared = new SharedLimit({
      algorithm: adaptive(),
      clock,
      send: (member, order) => void told.push([member, order]),
    })
    const news = (inflight: number, queued: number, ...events: number[]): PartTold => {
      const until = clock.now()
      return { events: Float64Array.from(events), until, inflight, queued, era: 1, since: 1000, leaves: false }
    }
    shared.hear('1/1', news(0, 0))
    shared.hear('2/1', news(0, 0))
    assert.deepEqual(
      told.splice(0).map(([member, { permits }]) => [member, permits]),
      [
        ['1/1', 20],
        ['1/1', 10],
        ['2/1', 10],
      ],
    )
    shared.hear('2/1', news(15, 0, 1000, 1, BEGAN))
    assert.deepEqual(
      told.splice(0).map(([member, { permits }]) => [member, permits]),
      [
        ['1/1', 2],
        ['2/1', 18],
      ],
    )
    shared.gone('2/1')
    assert.deepEqual(
      told.splice(0).map(([member, { permits }]) => [member, permits]),
      [['1/1', 20]],
    )
    assert.deepEqual(shared.members, ['1/1'])
    shared.gone('1/1')
    assert.deepEqual(shared.members, [])
  })
})
