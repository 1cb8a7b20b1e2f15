import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { systemClock } from '../../src/ground/index.ts'

const LONGEST = 2 ** 31 - 1

/** Timers of the platform, moved by hand. What they are armed with is noted. */
function platform(test: TestContext): { readonly delays: () => number[]; readonly advance: (by: number) => void } {
  test.mock.timers.enable({ apis: ['setTimeout'] })
  const armed = test.mock.method(globalThis, 'setTimeout')
  return {
    delays: () => armed.mock.calls.map((call) => Number(call.arguments[1])),
    advance: (by) => test.mock.timers.tick(by),
  }
}

describe('systemClock', () => {
  it('never goes back', () => {
    let last = systemClock.now()
    for (let count = 0; count < 1000; count++) {
      const now = systemClock.now()
      assert.ok(now >= last)
      last = now
    }
  })

  it('runs once, after the delay', (test) => {
    const { advance } = platform(test)
    let runs = 0
    systemClock.after(100, () => runs++)
    advance(99)
    assert.equal(runs, 0)
    advance(1)
    assert.equal(runs, 1)
    advance(1000)
    assert.equal(runs, 1)
  })

  it('never arms less than no delay, of which newer Nodes warn', (test) => {
    const { delays } = platform(test)
    systemClock.after(-6.7, () => {})
    assert.deepEqual(delays(), [0])
  })

  it('arms a delay that no platform timer takes in pieces', (test) => {
    const { delays, advance } = platform(test)
    let runs = 0
    systemClock.after(LONGEST * 2 + 500, () => runs++)
    assert.deepEqual(delays(), [LONGEST])
    advance(LONGEST)
    advance(LONGEST)
    assert.equal(runs, 0)
    advance(499)
    assert.equal(runs, 0)
    advance(1)
    assert.equal(runs, 1)
  })

  it('does not fire a far timer at once on the real platform', async () => {
    let fired = false
    using timer = systemClock.after(2 ** 31 + 1000, () => (fired = true))
    await new Promise<void>((resolve) => void systemClock.after(5, resolve))
    assert.equal(fired, false)
    timer.cancel()
  })

  it('cancels between two pieces', (test) => {
    const { advance } = platform(test)
    let runs = 0
    const timer = systemClock.after(LONGEST + 500, () => runs++)
    advance(LONGEST)
    timer.cancel()
    timer.cancel()
    advance(LONGEST)
    assert.equal(runs, 0)
  })

  it('cancels when disposed', (test) => {
    const { advance } = platform(test)
    let runs = 0
    {
      using _timer = systemClock.after(10, () => runs++)
    }
    advance(100)
    assert.equal(runs, 0)
  })

  it('keeps the process alive only for timers in the foreground', (test) => {
    const unref: boolean[] = []
    test.mock.method(globalThis, 'setTimeout', () => ({ unref: () => unref.push(true) }) as never)
    systemClock.after(10, () => {})
    assert.equal(unref.length, 0)
    systemClock.after(10, () => {}, { background: true })
    assert.equal(unref.length, 1)
  })
})
