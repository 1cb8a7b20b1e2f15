import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { timeUntil, type Refill } from '../../src/gate/index.ts'
import type {
  BucketsAccount,
  BucketsCoordinator,
  BucketsGrant,
  BucketsPace,
  BucketsStatement,
  SharedBudget,
} from '../../src/coordinate/index.ts'

/** A coordinator whose time passes only when told to. */
export interface LawBench {
  readonly coordinator: BucketsCoordinator
  /** Lets so many ms pass. */
  pass(duration: number): void
}

/** One request in 100 ms, 5 at once; 3 tokens in 7 ms, 800 at once. */
export const BUDGET: SharedBudget = {
  name: 'laws',
  buckets: [
    { name: 'requests', interval: 100, capacity: 5 },
    { name: 'tokens', interval: 7 / 3, capacity: 800 },
  ],
}

/** What a statement says where nothing special is to be said. */
export const PLAIN: Pick<BucketsStatement, 'pace' | 'reserve' | 'critical' | 'hold'> = {
  pace: { stamp: 0, refills: BUDGET.buckets },
  reserve: 0,
  critical: false,
  hold: 0,
}

/** What one of three accounts does. */
export interface Move {
  readonly who: number
  readonly wait: number
  /** Of what it has at hand, how much it uses first, as a share. */
  readonly uses: number
  /** What it has used beyond its estimates, or below 0 gives back. */
  readonly more: number
  readonly need: number
  readonly want: number
  /** Of what is at hand still, does it keep it? */
  readonly keeps: boolean
  /** The answer never arrives. */
  readonly lost: boolean
  /** The statement arrives twice. */
  readonly twice: boolean
  /** What part of each bucket is kept for who is critical, and whether this one is. */
  readonly reserve: number
  readonly critical: boolean
  /** What a provider says: other limits (as a part of those there were), that nobody takes for so long, what is left. */
  readonly pace: number
  readonly hold: number
  readonly most: number
}

export const moves: fc.Arbitrary<Move[]> = fc.array(
  fc.record({
    who: fc.nat({ max: 2 }),
    wait: fc.oneof(fc.constant(0), fc.nat({ max: 400 }), fc.nat({ max: 4000 })),
    uses: fc.constantFrom(0, 0.5, 1),
    more: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: -500, max: 500 })),
    need: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 800 })),
    want: fc.oneof(fc.constant(0), fc.nat({ max: 300 })),
    keeps: fc.boolean(),
    lost: fc.boolean(),
    twice: fc.boolean(),
    reserve: fc.constantFrom(0, 0, 0.2),
    critical: fc.boolean(),
    pace: fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, fc.constantFrom(0.5, 1, 2)),
    hold: fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, fc.nat({ max: 500 })),
    most: fc.oneof({ weight: 6, arbitrary: fc.constant(Infinity) }, fc.nat({ max: 300 })),
  }),
  { minLength: 1, maxLength: 30, size: 'max' },
)

/** An account as its owner sees it. */
class Owner {
  readonly account: BucketsAccount
  turn = 0
  readonly claim = [0, 0]
  readonly used = [0, 0]
  readonly level = [0, 0]
  pace: BucketsPace = { stamp: 0, refills: BUDGET.buckets }
  heard = false

  constructor(bench: LawBench, session: string) {
    this.account = bench.coordinator.open(BUDGET, 'tenant', session)
  }
}

/** What is in the buckets if all levels are charged at once: counted up, which drifts, and is easily seen to be right. */
class Reference {
  readonly left: number[] = BUDGET.buckets.map(({ capacity }) => capacity)
  refills: readonly Refill[] = BUDGET.buckets
  held = 0
  /** How often other limits were said. */
  paced = 0

  pass(duration: number): void {
    this.held = Math.max(0, this.held - duration)
    this.refills.forEach(({ capacity, interval }, at) => {
      this.left[at] = Math.min(capacity, this.left[at]! + duration / interval)
    })
  }

  charge(at: number, amount: number): void {
    this.left[at] = Math.min(this.refills[at]!.capacity, this.left[at]! - amount)
  }

  /** Whoever is first finds them full, whatever the limits are. */
  #fresh = true

  hear({ hold, news, pace }: BucketsStatement): void {
    if (this.#fresh) pace.refills.forEach(({ capacity }, at) => (this.left[at] = capacity))
    this.#fresh = false
    if (news === undefined) return
    this.held = Math.max(this.held, hold)
    if (news.pace) {
      this.refills = pace.refills
      this.paced++
    }
    this.refills.forEach(({ capacity }, at) => (this.left[at] = Math.min(this.left[at]!, capacity)))
  }
}

const TIE = 1e-5

/**
 * Plays a script against a coordinator and holds it to the laws; gives what it answered, to be compared with others.
 * @throws AssertionError that names the law
 */
export async function play(bench: LawBench, script: readonly Move[], tag: string): Promise<BucketsGrant[]> {
  const owners = [0, 1, 2].map((who) => new Owner(bench, `${tag}${who}`))
  const reference = new Reference()
  /** What the coordinator has on each account, whether its owner knows or not. */
  const charged = owners.map(() => [0, 0])
  /** How often other limits had been said when each was last heard of. */
  const paced = [0, 0, 0]
  const answers: BucketsGrant[] = []
  for (const move of script) {
    bench.pass(move.wait)
    reference.pass(move.wait)
    const owner = owners[move.who]!
    const account = charged[move.who]!
    for (const at of [0, 1]) owner.used[at]! += move.uses * (owner.level[at]! - owner.used[at]!)
    const shown = owner.level.map((level, at) => (move.keeps ? level : owner.used[at]!))
    const keep = shown.map((level, at) => level + (at === 1 ? move.more : 0))
    const need = keep.map((level, at) => level + (at === 0 ? Math.min(move.need, 1) : move.need))
    const want = need.map((level, at) => level + (at === 0 ? move.want / 50 : move.want))
    const levels = { claim: [...owner.claim], keep, need, want }
    const { reserve, critical, hold } = move
    const said = { ...levels, ...saidBy(move, owner), reserve, critical, hold }
    const statement: BucketsStatement = { ...said, turn: ++owner.turn, known: owner.heard }
    const grant = await owner.account.state(statement)
    answers.push(grant)
    if (move.twice) await assert.rejects(owner.account.state(statement), 'a statement counts once')

    reference.hear(statement)
    for (const at of [0, 1]) {
      // What was taken under other limits does not come back.
      const charge = keep[at]! - account[at]!
      reference.charge(at, paced[move.who] === reference.paced ? charge : Math.max(0, charge))
      reference.left[at] = Math.min(reference.left[at]!, statement.news?.most[at] ?? Infinity)
    }
    paced[move.who] = reference.paced
    const limits = grant.pace ?? statement.pace
    assert.deepEqual(limits.refills, reference.refills.map(limitsOf), 'the limits that were said last')
    assert.ok(Math.abs(grant.hold - reference.held) < TIE * 1000, `held for ${grant.hold}, not ${reference.held}`)
    const left = reference.refills.map(({ capacity }, at) => reference.left[at]! - (critical ? 0 : reserve * capacity))
    const short = [0, 1].map((at) => need[at]! - keep[at]! - left[at]!)
    const missing = short.some((value, at) => need[at]! > keep[at]! && value > TIE)
    const there = short.every((value, at) => need[at] === keep[at] || value < -TIE)
    if (missing || reference.held > TIE) assert.equal(grant.granted, false, 'never more than there is')
    if (there && reference.held === 0) assert.equal(grant.granted, true, 'never idle')
    if (grant.granted) assert.equal(grant.retryAfter, 0)
    else {
      assert.deepEqual(grant.level, keep, 'all or nothing')
      const waits = reference.refills.map((refill, at) => waitOf(refill, left[at]!, need[at]! - keep[at]!))
      const exact = Math.max(reference.held, ...waits)
      assert.ok(Math.abs(grant.retryAfter - exact) < TIE * 1000, `retryAfter ${grant.retryAfter}, not ${exact}`)
    }
    for (const at of [0, 1]) {
      assert.ok(grant.level[at]! >= (grant.granted ? need[at]! : keep[at]!) - TIE, 'what was asked for is there')
      assert.ok(grant.level[at]! <= want[at]! + TIE, 'no more than wanted')
      if (grant.granted) reference.charge(at, grant.level[at]! - keep[at]!)
      // Rounding to the last digit is one thing; debts and refunds that go astray another.
      const audit = Math.abs(grant.available[at]! - reference.left[at]!)
      assert.ok(audit < TIE, `available ${grant.available[at]}, not ${reference.left[at]}: debt and refund are exact`)
      assert.ok(grant.available[at]! <= reference.refills[at]!.capacity + TIE, 'never fuller than full')
      const spare = grant.level[at]! - need[at]!
      const rest = reference.left[at]! - reserve * reference.refills[at]!.capacity
      assert.ok(spare <= TIE || rest >= -TIE, 'nobody takes ahead what is reserved')
      reference.left[at] = grant.available[at]!
      account[at] = grant.level[at]!
      // What its owner was going to settle it settles again if it never heard of it: the levels make good for that.
      if (move.lost) continue
      owner.used[at] = shown[at] === keep[at] ? owner.used[at]! : owner.used[at]! + (keep[at]! - shown[at]!)
      owner.level[at] = grant.level[at]!
      owner.claim[at] = grant.level[at]!
    }
    if (!move.lost) {
      owner.heard = true
      if (grant.pace !== undefined) owner.pace = grant.pace
    }
  }
  return answers
}

function limitsOf({ interval, capacity }: Refill): Refill {
  return { interval, capacity }
}

/** What a provider has said, if it has, as its owner passes it on. */
function saidBy({ pace, most, hold }: Move, owner: Owner): Pick<BucketsStatement, 'pace' | 'news'> {
  const stated = { stamp: owner.pace.stamp, refills: owner.pace.refills.map(limitsOf) }
  if (pace === 0 && most === Infinity && hold === 0) return { pace: stated, news: undefined }
  const news = { pace: pace > 0, urgent: pace > 0 || hold > 0, most: [Infinity, most] }
  if (pace === 0) return { pace: stated, news }
  const refills = BUDGET.buckets.map(({ interval, capacity }) => ({
    interval: interval / pace,
    capacity: capacity * pace,
  }))
  return { pace: { ...stated, refills }, news }
}

function waitOf({ interval, capacity }: Refill, left: number, amount: number): number {
  return amount <= 0 ? 0 : timeUntil({ interval, capacity }, (capacity - left) * interval, amount, 0)
}
