import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { LimitAlgorithm, Step, WindowEnd } from '../../src/index.ts'
import { last } from './fold.ts'
import { afterIdling, isSensible, overload } from './in-service.ts'
import { windowOf } from './window-of.ts'

type Make = (options?: object) => LimitAlgorithm<Readonly<Record<string, unknown>>>

/** A contender of the league, which is no part of any package. */
async function contender(file: string, name: string): Promise<Make> {
  const url = new URL(`../../../../../bench/league/limits/${file}.mjs`, import.meta.url)
  return ((await import(url.href)) as Record<string, Make>)[name]!
}

const envoy = await contender('envoy', 'envoy')
const failsafe = await contender('failsafe', 'failsafe')
const brpc = await contender('brpc', 'brpc')
const frozen = await contender('frozen', 'frozen')
const alwaysMin = await contender('always-min', 'alwaysMin')
const alwaysMax = await contender('always-max', 'alwaysMax')

const lasting = ({ atLeast }: WindowEnd): number => atLeast
const is = (step: Step<unknown>, limit: number, reason: string): void =>
  assert.equal(`${step.limit} ${step.reason}`, `${limit} ${reason}`)

describe('contenders of the league: all of them', () => {
  for (const make of [envoy, failsafe, brpc, frozen, alwaysMin, alwaysMax])
    it(`${make().name} is a pure fold whose state survives JSON`, () => {
      let [one, other] = [make().init(), make().init()]
      for (let at = 0; at < 400; at++) {
        const window = windowOf({
          start: at * 1000,
          end: at * 1000 + 1000,
          took: 10 + ((at * 7) % 13),
          count: at % 50 === 49 ? 0 : 200,
          dropped: at % 20 === 19 ? 30 : 0,
        })
        one = make().step(one.state, window)
        other = make().step(JSON.parse(JSON.stringify(other.state)) as typeof other.state, window)
        assert.deepEqual(one, other)
        const { samples, error, atLeast, atMost } = one.until
        assert.ok(one.limit >= 1 && one.limit <= 1000, `${one.limit}`)
        assert.ok(samples >= 1 && error > 0 && atLeast >= 0 && atMost >= atLeast && atMost < Infinity)
      }
    })

  for (const [name, make] of Object.entries({ frozen, alwaysMin, alwaysMax }))
    it(`a mutant, ${name}, suits nobody`, () => {
      assert.ok(!isSensible(overload(20, make(), 1), 20))
      assert.ok(!isSensible(overload(200, make(), 1), 200))
    })
})

describe('contenders of the league: Envoy', () => {
  const probed = last(envoy(), [windowOf({ took: 5, count: 50, end: 1000 })])
  const at = (limit: number): Readonly<Record<string, unknown>> => ({ ...probed.state, limit })

  it('looks for minRTT first, pinned to three, until fifty have come', () => {
    is(envoy().init(), 3, 'initial')
    assert.equal(envoy().init().until.samples, 50)
    is(probed, 3, 'probed')
    assert.equal(lasting(probed.until), 100)
  })

  it('adds the square root to gradient × limit, and keeps the gradient from 0.5 to 2', () => {
    const next = (took: number): number => envoy().step(at(16), windowOf({ took, end: 2000 })).limit
    assert.equal(next(5), 24)
    assert.equal(next(6.25), 20)
    assert.equal(next(1), 37)
    assert.equal(next(1000), 10)
  })

  it('pins again after 60 to 69 s, or after five updates at the minimum, and resumes', () => {
    const early = envoy().step(at(500), windowOf({ took: 6.25, end: 60_000 }))
    assert.notEqual(early.reason, 'probe')
    const late = envoy().step(at(500), windowOf({ took: 6.25, end: 70_001 }))
    is(late, 3, 'probe')
    is(envoy().step(late.state, windowOf({ took: 9, end: 71_000 })), 500, 'probed')
    let step = probed
    const reasons = Array.from(
      { length: 6 },
      () => (step = envoy().step(step.state, windowOf({ took: 900, end: 2 }))).reason,
    )
    assert.deepEqual(reasons.slice(3), ['queueing', 'hung at min', 'probed'])
  })

  it('grows while idle: it has no guard', () => {
    assert.equal(afterIdling(envoy()), 1000)
  })

  it('finds a sensible limit', () => {
    for (const slots of [20, 200]) assert.ok(isSensible(overload(slots, envoy(), 1), slots))
  })
})

describe('contenders of the league: failsafe-go', () => {
  const warm = { ...failsafe().init().state, baseline: { value: 1000, count: 10 } }
  const play = (...took: readonly number[]): readonly number[] => {
    let state: Readonly<Record<string, unknown>> = warm
    return took.map((time) => {
      const step = failsafe().step(state, windowOf({ took: time, peakInflight: 10, bound: 0 }))
      state = step.state
      return step.limit
    })
  }

  it('the table of failsafe-go: up, down, hold, from a baseline of a second', () => {
    assert.deepEqual(play(1000, 500), [21, 22])
    assert.deepEqual(play(2000, 2000), [19, 18])
    assert.deepEqual(play(1300, 1300), [20, 20])
  })

  it('the table of failsafe-go: a median of five, then an average that warms up', () => {
    let state: Readonly<Record<string, unknown>> = warm
    for (const took of [100, 300, 200, 200, 250])
      state = failsafe().step(state, windowOf({ took, peakInflight: 10 })).state
    assert.deepEqual(state['recent'], { value: 200, count: 5 })
  })

  it('a window lasts twice the shortest time, from 1 to 30 s', () => {
    const lasts = (took: number): number => lasting(last(failsafe(), [windowOf({ took })]).until)
    assert.deepEqual([10, 2000, 1e6].map(lasts), [1000, 4000, 30_000])
  })

  it('does not go far above what is used', () => {
    is(last(failsafe(), [windowOf({ peakInflight: 4, bound: 0 })]), 19, 'far above use')
  })

  it('goes down while full when latency follows what is in flight, and not otherwise', () => {
    const end = (bound: number): string => {
      let state = failsafe().init().state
      let reason = ''
      for (let at = 0; at < 12; at++) {
        const step = failsafe().step(state, windowOf({ took: 100 + at, peakInflight: 20 + at, bound }))
        state = step.state
        reason = step.reason
      }
      return reason
    }
    assert.equal(end(1), 'throughput stands')
    assert.equal(end(0), 'short queue')
  })
})

describe('contenders of the league: brpc', () => {
  const seen = { took: 10, count: 200, start: 0, end: 100 }

  it('shortest time × highest throughput, and 0.3 to explore, which calm keeps and a queue takes', () => {
    const first = last(brpc(), [windowOf(seen)])
    // 10 ms × 2 a ms × 1.3.
    is(first, 26, 'calm')
    const busy = brpc().step(first.state, windowOf({ ...seen, took: 20 }))
    is(busy, 25, 'busy')
    assert.ok(Math.abs((busy.state['explore'] as number) - 0.28) < 1e-9)
  })

  it('lowers the minimum by a tenth of the way, and lets the maximum sink by a hundredth', () => {
    const { state } = last(brpc(), [windowOf(seen), windowOf({ ...seen, took: 5, end: 200 })])
    assert.equal(state['minLatency'], 9.5)
    assert.equal(state['maxQps'], 1.99)
  })

  it('leaves out windows of fewer than a hundred, and halves where all are lost', () => {
    is(last(brpc(), [windowOf({ ...seen, count: 99 })]), 40, 'too few')
    is(last(brpc(), [windowOf({ ...seen, count: 0, dropped: 100 })]), 20, 'drops')
  })

  it('after 25 to 50 s goes to nine tenths, waits two latencies, and forgets the minimum', () => {
    const first = last(brpc(), [windowOf(seen)])
    const again = brpc().step(first.state, windowOf({ ...seen, start: 51_000, end: 51_100 }))
    is(again, 18, 'remeasure')
    assert.equal(lasting(again.until), 20)
    const emptied = brpc().step(again.state, windowOf({ ...seen, took: 1, start: 51_100, end: 51_200 }))
    is(emptied, 18, 'emptied')
    assert.equal(emptied.state['minLatency'], null)
  })

  it('finds a sensible limit', () => {
    for (const slots of [20, 200]) assert.ok(isSensible(overload(slots, brpc(), 1), slots))
  })
})
