import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { retryBudget } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import { gateLaws } from '../../src/testing/index.ts'

describe('S2.8 a retry budget', () => {
  it('S2.8 under lasting failure retries are a tenth of first attempts, plus the reserve', () => {
    const clock = new VirtualClock(99)
    const budget = retryBudget({ clock, ratio: 0.1, reserve: 1, window: 10_000 })
    let retries = 0
    let firsts = 0
    // A hundred a second for a minute; every one fails, and is tried again as often as it is let.
    for (let ms = 0; ms < 60_000; ms += 10) {
      clock.advance(10)
      budget.deposit()
      firsts++
      while (budget.tryEnter().admitted) retries++
    }
    // What the reserve has saved up before the storm may go at once; from then on the balance is spent as it comes.
    const most = 0.1 * firsts + 60 + 10
    assert.ok(retries <= most && retries >= 0.9 * most, `${retries} retries, ${most} are allowed`)
  })

  it('control: without a budget three tries a call make a storm', () => {
    let calls = 0
    for (let first = 0; first < 6000; first++) for (let attempt = 0; attempt < 3; attempt++) calls++
    assert.ok(calls - 6000 > 10 * 670)
  })

  it('S2.8 somebody with little traffic can retry at all, by the reserve', () => {
    const clock = new VirtualClock()
    const budget = retryBudget({ clock, ratio: 0, reserve: 1, window: 10_000 })
    let burst = 0
    while (budget.tryEnter().admitted) burst++
    assert.equal(burst, 10, 'a window of it')
    let retries = 0
    for (let second = 0; second < 100; second++) {
      clock.advance(1000)
      while (budget.tryEnter().admitted) retries++
    }
    assert.ok(retries >= 90 && retries <= 100, `${retries} in a hundred seconds`)
  })

  it('S2.8 deposits fade out over the window: yesterday pays for nothing', () => {
    const clock = new VirtualClock()
    const budget = retryBudget({ clock, ratio: 0.1, reserve: 0, window: 10_000 })
    assert.ok(!budget.tryEnter().admitted)
    for (let first = 0; first < 1000; first++) budget.deposit()
    assert.ok(Math.abs(budget.balance - 100) < 1e-9)
    clock.advance(10_000)
    assert.ok(Math.abs(budget.balance - 100 / Math.E) < 1e-6, `${budget.balance}`)
    clock.advance(100_000)
    assert.ok(!budget.tryEnter().admitted, `${budget.balance} left`)
  })

  it('S2.8 however deposits and retries come, it never lets in more than was paid for', () => {
    const script = fc.array(
      fc.record({ wait: fc.nat({ max: 3000 }), firsts: fc.nat({ max: 30 }), retries: fc.nat({ max: 20 }) }),
      {
        minLength: 1,
        maxLength: 60,
        size: 'max',
      },
    )
    fc.assert(
      fc.property(script, (steps) => {
        const clock = new VirtualClock(5)
        const budget = retryBudget({ clock, ratio: 0.2, reserve: 0.5, window: 10_000 })
        let firsts = 0
        let retries = 0
        for (const step of steps) {
          clock.advance(step.wait)
          for (let first = 0; first < step.firsts; first++) budget.deposit()
          firsts += step.firsts
          for (let retry = 0; retry < step.retries; retry++) if (budget.tryEnter().admitted) retries++
          const paid = 5 + 0.2 * firsts + (0.5 * (clock.now() - 5)) / 1000
          assert.ok(retries <= paid + 1e-6, `${retries} retries, ${paid} were paid for`)
          assert.ok(budget.balance >= 0)
        }
      }),
      { numRuns: 200, seed: 28 },
    )
  })

  it('S2.8 a clock that goes back takes nothing away', () => {
    let now = 1000
    const budget = retryBudget({
      clock: { now: () => now, after: () => assert.fail('nobody waits') },
      reserve: 0,
    })
    for (let first = 0; first < 100; first++) budget.deposit()
    now -= 1e9
    assert.ok(Math.abs(budget.balance - 10) < 1e-9)
    assert.ok(budget.tryEnter().admitted)
  })

  it('S2.8 closed, it refuses; options out of range are named', () => {
    const budget = retryBudget()
    budget.close()
    const verdict = budget.tryEnter()
    assert.ok(!verdict.admitted && verdict.code === 'closed')
    for (const [options, message] of [
      [{ ratio: 1.5 }, /retryBudget\.ratio/],
      [{ reserve: -1 }, /retryBudget\.reserve/],
      [{ window: 0 }, /retryBudget\.window/],
    ] as const)
      assert.throws(() => retryBudget(options), { name: 'RangeError', message })
  })
})

gateLaws(
  'S2.8 retry budget',
  { describe, it },
  fc,
  ({ clock }) => retryBudget({ clock, ratio: 0, reserve: 20, window: 100 }),
  { context: new AsyncLocalStorage() },
)
