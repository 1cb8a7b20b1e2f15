import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seeded } from 'sluice'
import { type Capacity, type TariffName } from '../../src/emulate/index.ts'
import { ModelWorld, near } from './model-world.ts'

describe('ProviderModel', () => {
  it('takes all dimensions or none', () => {
    const world = new ModelWorld({ limits: { requests: 10, tokens: 1000 }, failedCount: false })
    world.admit({ input: 900 })
    const { reason } = world.refuse({ input: 200 })
    assert.equal(reason, 'tokens')
    near(world.level('requests'), 9)
    near(world.level('tokens'), 100)
  })

  it('names the dimension that takes longest', () => {
    const world = new ModelWorld({ limits: { requests: 1, tokens: 60_000 } })
    world.admit({ input: 60_000 })
    const { reason, wait } = world.refuse({ input: 1000 })
    assert.equal(reason, 'requests')
    near(wait!, 60_000)
  })

  it('refused and invalid calls count as requests, without leaving a debt', () => {
    const world = new ModelWorld({ limits: { requests: 60, tokens: 1000 } })
    world.admit({ input: 1000 })
    for (let index = 0; index < 100; index++) world.refuse({ input: 1000 })
    world.model.failed()
    near(world.level('requests'), 0)
    assert.equal(world.model.charged.requests, 60)
    near(world.refuse({ input: 1 }).wait!, 1000)
  })

  it('whoever waits as told gets in, though the refusal itself counted as a call', () => {
    const world = new ModelWorld({ limits: { requests: 600 }, capacity: 100 })
    world.admit()
    world.pass(30)
    const { wait } = world.refuse()
    near(wait!, 100)
    world.pass(wait!)
    world.admit()
  })

  it('a call larger than all there can be is too large, and is not told to wait', () => {
    for (const [capacity, limit] of [
      ['full', 1000],
      [6000, 100],
    ] as const) {
      const world = new ModelWorld({ limits: { tokens: 1000 }, capacity })
      const { reason, wait, about } = world.refuse({ input: limit + 1 })
      assert.deepEqual([reason, wait, about!.limit, about!.requested], ['too-large', undefined, limit, limit + 1])
      world.admit({ input: limit })
    }
  })

  it('spent money ends it, for good', () => {
    const world = new ModelWorld({ limits: {}, spend: { limit: 1, input: 2, output: 10 } })
    const call = world.admit({ input: 250_000 })
    call.produce(50_000)
    world.admit({ input: 1 }).end()
    call.end()
    near(world.model.spent, 1, 1e-5)
    assert.deepEqual(world.refuse({ input: 1 }), { admitted: false, reason: 'spend' })
    world.pass(1e9)
    assert.equal(world.refuse().reason, 'spend')
  })

  it('so many at work at once', () => {
    const world = new ModelWorld({ limits: {}, concurrency: 2 })
    const first = world.admit()
    world.admit()
    assert.equal(world.refuse().reason, 'concurrency')
    first.end()
    first.end()
    world.admit()
    assert.equal(world.model.active, 2)
  })

  it('limits may change in mid-run', () => {
    const world = new ModelWorld({ limits: { requests: 100, tokens: 60_000 } })
    world.model.change({ tokens: 30_000 })
    near(world.level('tokens'), 30_000)
    world.admit({ input: 30_000 })
    world.pass(1000)
    near(world.level('tokens'), 500)
    assert.throws(() => world.model.change({ output: 5 }), /output has no limit/)
    assert.throws(() => world.model.change({ requests: 5, tokens: 0 }), /tokens must be above 0/)
    near(world.level('requests'), 100, 1)
  })

  it('growth is limited above a floor: half more in each period', () => {
    const world = new ModelWorld({ limits: {}, ramp: { above: 1000, growth: 0.5, period: 120_000 } })
    world.admit({ input: 1000 })
    const { reason, wait } = world.refuse({ input: 500 })
    assert.equal(reason, 'slow-down')
    near(wait!, 30_000)
    world.pass(60_000)
    world.admit({ input: 1000 })
    // 2000 in two minutes are 1000 a minute, of which half more may come; the bucket has a minute of it.
    world.pass(60_000)
    world.admit({ input: 1000 })
    world.pass(30_000)
    world.admit({ input: 750 })
    assert.equal(world.refuse({ input: 750 }).reason, 'slow-down')
    world.pass(120_000 * 2)
    world.admit({ input: 1000 })
    near(world.refuse({ input: 1000 }).wait!, 60_000, 1)
  })

  it('somebody else uses their share, unseen but for what is left', () => {
    const world = new ModelWorld({ limits: { tokens: 60_000 }, foreign: { share: 0.2 } })
    let taken = 0
    // An eager caller takes whatever is there, every 10 ms for 10 minutes.
    for (let index = 0; index < 60_000; index++) {
      world.pass(10)
      const amount = Math.floor(world.level('tokens'))
      if (amount < 8) continue
      world.admit({ input: 8 }).end()
      taken += 8
    }
    // Greed wins some of the others' share: they only take what is there.
    assert.ok(taken >= 0.79 * 600_000 && taken <= 1.02 * 600_000 + 60_000, `${taken}`)
    const alone = new ModelWorld({ limits: { tokens: 60_000 }, foreign: { share: 0.2 } })
    alone.admit({ input: 50_000 })
    alone.pass(10_000)
    near(alone.level('tokens'), 18_000, 400)
  })

  it('refuses amounts that are no amounts', () => {
    const world = new ModelWorld({})
    for (const ask of [{ input: -1 }, { input: NaN }, { input: 1, maxTokens: Infinity }])
      assert.throws(() => world.model.ask(ask), RangeError)
  })

  // In no stretch of time is more let in than was there at once and has refilled.
  const MODES: readonly TariffName[] = ['reserve-max', 'reserve-sum', 'reserve-sum-refund', 'reserve-max-refund']
  for (const mode of MODES)
    for (const capacity of ['full', 10_000, 1000] as const)
      it(`never lets in more than capacity and refill: ${mode}, ${capacity}`, () => {
        const { charges, most } = randomRun(mode, capacity, 60_000)
        assert.ok(charges.length > 300)
        assert.ok(worstExcess(charges, 1) <= most + 1e-3, `${worstExcess(charges, 1)} of ${most}`)
      })

  it('would be found out by the same measure with 5 % more refill', () => {
    const { charges, most } = randomRun('reserve-max', 'full', 63_000)
    assert.ok(worstExcess(charges, 1) > most)
  })

  it('in fixed windows each window brings the limit, and two in a row may come at once', () => {
    const { charges } = randomRun('reserve-max', 'fixed', 60_000)
    const perWindow = new Map<number, number>()
    for (const { at, amount } of charges) {
      const window = Math.floor(at / 60_000)
      perWindow.set(window, (perWindow.get(window) ?? 0) + amount)
    }
    assert.ok(Math.max(...perWindow.values()) <= 60_000)
    assert.ok(worstExcess(charges, 1) > 61_000)
  })
})

interface Charge {
  readonly at: number
  readonly amount: number
}

/** Eager callers with random sizes for ten minutes: what was charged and refunded, when. */
function randomRun(mode: TariffName, capacity: Capacity, tokens: number): { charges: readonly Charge[]; most: number } {
  const random = seeded(7)
  const world = new ModelWorld({ profile: 'openai', limits: { tokens }, mode, capacity })
  const charges: Charge[] = []
  let seen = 0
  const note = (): void => {
    const amount = world.model.charged.tokens - seen
    seen = world.model.charged.tokens
    if (amount !== 0) charges.push({ at: world.clock.now(), amount })
  }
  const most = world.level('tokens')
  for (let index = 0; index < 40_000; index++) {
    world.pass(random() * 30)
    const verdict = world.model.ask({ input: 1 + Math.floor(random() * 400), maxTokens: Math.floor(random() * 500) })
    note()
    if (!verdict.admitted) continue
    world.clock.after(random() * 5000, () => {
      verdict.produce(Math.floor(random() * 100))
      verdict.end()
      note()
    })
  }
  return { charges, most }
}

/** The most that any stretch of time was charged beyond `rate` (per ms) times its length. */
function worstExcess(charges: readonly Charge[], rate: number): number {
  let best = -Infinity
  let running = 0
  let last = charges[0]?.at ?? 0
  // The largest sum of any run of charges less the refill within it, in one pass (Kadane).
  for (const { at, amount } of charges) {
    running = Math.max(0, running - rate * (at - last)) + amount
    last = at
    best = Math.max(best, running)
  }
  return best
}
