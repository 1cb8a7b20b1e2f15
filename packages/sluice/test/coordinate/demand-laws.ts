import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import {
  BELIEVED,
  OVERDUE,
  type BucketsAccount,
  type BucketsGrant,
  type BucketsStatement,
} from '../../src/coordinate/index.ts'
import { BUDGET, PLAIN, type LawBench } from './buckets-laws.ts'

/** What one of four accounts asks for. */
export interface Ask {
  readonly who: number
  readonly wait: number
  readonly need: number
  readonly want: number
  /** Of its level, how much it gives back first. */
  readonly back: number
  /** Below 0: nobody is named. */
  readonly priority: number
  readonly line: number
  readonly charge: number
  readonly waits: boolean
  /** What the lines have been charged here. */
  readonly told: readonly number[]
}

export const asks: fc.Arbitrary<Ask[]> = fc.array(
  fc.record({
    who: fc.nat({ max: 3 }),
    wait: fc.oneof(fc.constant(0), fc.nat({ max: 200 }), fc.nat({ max: 2500 })),
    need: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 900 })),
    want: fc.oneof(fc.constant(0), fc.nat({ max: 300 })),
    back: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.nat({ max: 400 })),
    priority: fc.integer({ min: -1, max: 3 }),
    line: fc.nat({ max: 2 }),
    charge: fc.nat({ max: 1000 }),
    waits: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, fc.constant(false)),
    told: fc.oneof(fc.constant([]), fc.array(fc.integer({ min: -300, max: 500 }), { maxLength: 3 })),
  }),
  { minLength: 1, maxLength: 40, size: 'max' },
)

/** Who waits as the books of this test have it: whoever was refused, until it says something else or is overdue. */
interface Noted {
  readonly priority: number
  readonly needs: readonly number[]
  readonly until: number
}

export interface Said {
  readonly grant: BucketsGrant
  /** Who was called meanwhile. */
  readonly called: readonly number[]
}

/**
 * Plays a script against a coordinator and holds it to the laws of who is next; gives what it answered.
 * @throws AssertionError that names the law
 */
export async function playAsks(bench: LawBench, script: readonly Ask[], tag: string): Promise<Said[]> {
  let called: number[] = []
  const owners = [0, 1, 2, 3].map((who) => {
    const hear = (isTurn?: boolean): void => void (isTurn === true && called.push(who))
    const account: BucketsAccount = bench.coordinator.open(BUDGET, 'tenant', `${tag}${who}`, hear)
    return { account, turn: 0, level: [0, 0] }
  })
  const noted = new Map<number, Noted>()
  const answers: Said[] = []
  let now = 0
  for (const ask of script) {
    bench.pass(ask.wait)
    now += ask.wait
    const owner = owners[ask.who]!
    const { need, want, priority, line, charge, waits } = ask
    const keep = [owner.level[0]!, owner.level[1]! - ask.back]
    const needs = [Math.min(need, 1), need]
    const levels = { claim: [...owner.level], keep, need: keep.map((level, at) => level + needs[at]!) }
    const told = ask.told.map((more, at) => ({ line: `line ${at}`, more }))
    const demand = {
      priority,
      line: `line ${line}`,
      charge,
      age: 10 * line,
      waits,
      told,
      abreast: Math.min(1, told.length),
    }
    const statement: BucketsStatement = {
      ...PLAIN,
      ...levels,
      turn: ++owner.turn,
      known: owner.turn > 1,
      want: levels.need.map((level, at) => level + (at === 0 ? 0 : want)),
      critical: priority === 3,
      demand: priority < 0 ? undefined : demand,
    }
    called = []
    const grant = await owner.account.state(statement)
    noted.delete(ask.who)
    for (const [who, { until }] of noted) if (until <= now) noted.delete(who)
    const taken = grant.level.map((level, at) => level - keep[at]!)
    const others = [...noted.values()]
    /** What is left where it was granted, in the order of the buckets, once all those have had theirs. */
    const leftAfter = (some: readonly Noted[]): number[] =>
      grant.available.map((left, at) => left - some.reduce((sum, other) => sum + other.needs[at]!, 0))
    if (grant.granted && need > 0) {
      const better = leftAfter(others.filter((other) => other.priority > priority))
      assert.ok(
        better.every((left) => left > -0.01),
        'nothing that a better class waits for is granted',
      )
      const all = leftAfter(others)
      const spare = taken.some((amount, at) => amount > needs[at]! + 1e-6)
      assert.ok(
        !spare || all.every((left, at) => taken[at]! <= needs[at]! + 1e-6 || left > -0.01),
        'nor more than needed',
      )
    }
    if (!grant.granted) {
      const isFirst = others.every((other) => other.priority < priority)
      const enough = grant.available.every((left, at) => left >= needs[at]! + 0.01)
      assert.ok(!(isFirst && enough), 'who is first does not wait where there is enough')
      assert.ok(grant.retryAfter > 0)
      const until = now + Math.min(grant.retryAfter, BELIEVED) + OVERDUE
      const fits = needs.every((amount, at) => amount <= BUDGET.buckets[at]!.capacity)
      if (priority >= 0 && waits && fits) noted.set(ask.who, { priority, needs, until })
    }
    const waitsNow = noted.size > 0
    if (waitsNow && priority >= 0) assert.ok(grant.standing, 'who asks while somebody waits hears how lines stand')
    assert.ok(grant.standing === undefined || grant.standing.charged.length === told.length)
    owner.level = [...grant.level]
    answers.push({ grant, called: [...called] })
  }
  return answers
}
