import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { aimd } from '../../src/index.ts'
import { limitLaws } from '../../src/testing/index.ts'
import { findsALimit, staysWhileIdle } from './before-a-service.ts'
import { fold, last } from './fold.ts'
import { overload } from './in-service.ts'
import { windowOf } from './window-of.ts'

const bounds = { min: 2, max: 500 }
limitLaws('aimd', { describe, it }, fc, () => aimd(), { runs: 300, min: 10, max: 1000 })
limitLaws('aimd within bounds', { describe, it }, fc, () => aimd({ ...bounds, initial: 9 }), { runs: 300, ...bounds })
limitLaws('aimd that cannot move', { describe, it }, fc, () => aimd({ min: 7, max: 7 }), { runs: 50, min: 7, max: 7 })

describe('aimd', () => {
  it('S1.3 starts at 100, from 10 to 1000', () => {
    assert.equal(aimd().init().limit, 100)
    assert.equal(last(aimd(), Array(500).fill(windowOf({ completed: 1e6 }))).limit, 1000)
    assert.equal(last(aimd(), Array(500).fill(windowOf({ dropped: 1 }))).limit, 10)
  })

  it('finds bounds that fit those it is given', () => {
    assert.equal(aimd({ max: 5 }).init().limit, 5)
    assert.equal(aimd({ min: 2000 }).init().limit, 2000)
    assert.equal(last(aimd({ max: 5 }), Array(100).fill(windowOf({ dropped: 1 }))).limit, 5)
    assert.equal(last(aimd({ min: 1, max: 5 }), Array(100).fill(windowOf({ dropped: 1 }))).limit, 1)
  })

  it('the table of Netflix: 10, 11 after a success at the limit, 9 after a loss', () => {
    const ten = aimd({ initial: 10, min: 1 })
    assert.equal(ten.init().limit, 10)
    assert.equal(last(ten, [windowOf({ completed: 10 })]).limit, 11)
    assert.equal(last(ten, [windowOf({ completed: 0, dropped: 1 })]).limit, 9)
  })

  it('widens by one for as many successes as the limit is wide, of the time in which it binds', () => {
    const after = (completed: number, bound: number): number => last(aimd(), [windowOf({ completed, bound })]).limit
    assert.equal(after(100, 1), 101)
    assert.equal(after(50, 1), 100.5)
    assert.equal(after(100, 0.25), 100.25)
    assert.equal(after(100, 0), 100)
  })

  it('narrows once a window, however much was lost, and after an answer later than the timeout', () => {
    const reasons = fold(aimd({ timeout: 50 }), [
      windowOf({ dropped: 1000, completed: 0 }),
      windowOf({ took: 51 }),
      windowOf({ took: 50, bound: 0 }),
      windowOf({ completed: 0 }),
    ]).map(({ limit, reason }) => `${Math.round(limit)} ${reason}`)
    assert.deepEqual(reasons, ['100 initial', '90 drops', '81 too late', '81 idle', '81 no samples'])
    assert.equal(last(aimd({ backoff: 0.5 }), [windowOf({ dropped: 1 })]).limit, 50)
  })

  it('names the option that makes no sense', () => {
    const wrong = { min: 0, max: Number.NaN, initial: 5, timeout: 0, backoff: 1 }
    for (const [option, value] of Object.entries(wrong))
      assert.throws(() => aimd({ [option]: value }), { name: 'RangeError', message: new RegExp(`^aimd\\.${option}:`) })
  })

  findsALimit(() => aimd({ timeout: 200 }), ', given a timeout that fits')

  it('fails without one: nothing but a timeout tells it of a queue', () => {
    const { goodput } = overload(20, aimd({ timeout: 5000 }), 1)
    assert.ok(goodput < 0.5 * 400, `${goodput}`)
  })

  staysWhileIdle(aimd)
})
