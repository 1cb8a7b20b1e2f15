import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Throttle } from '../../src/clients/throttle.ts'
import { seeded, type Random } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'

function throttle(random: Random = seeded(1), ratio?: number): { clock: VirtualClock; throttle: Throttle } {
  const clock = new VirtualClock(-7777)
  return { clock, throttle: new Throttle('origin', ratio === undefined ? {} : { ratio }, clock, random) }
}

describe('throttle', () => {
  it('has the odds of the book: max(0, (requests - K × accepts) / (requests + 1))', () => {
    const { throttle: it } = throttle()
    assert.equal(it.odds, 0)
    for (let count = 0; count < 10; count++) it.record(true)
    for (let count = 0; count < 10; count++) it.record(false)
    // As many refused as taken: K of 2 bears that.
    assert.equal(it.odds, 0)
    for (let count = 0; count < 10; count++) it.record(false)
    assert.equal(it.odds, (30 - 2 * 10) / 31)
  })

  it('what it refuses counts as a request: the odds rise as long as nothing is taken', () => {
    const { throttle: it } = throttle(() => 0)
    it.record(false)
    assert.equal(it.odds, 1 / 2)
    const refusal = it.refuse()
    assert.equal(refusal?.code, 'shed')
    assert.deepEqual([refusal?.load, refusal?.limit], [2, 0])
    assert.equal(it.odds, 2 / 3)
  })

  it('always sends some, and the most important whatever the odds', () => {
    const { throttle: it } = throttle()
    let sent = 0
    for (let count = 0; count < 10_000; count++)
      if (it.refuse() === undefined) {
        sent++
        it.record(false)
      }
    // The odds are n / (n + 1): sent are about 1 + 1/2 + 1/3 + … = ln(10,000) + 0.58.
    assert.ok(sent >= 4 && sent <= 20, `${sent} sent`)
    assert.ok(it.odds > 0.999)
    for (let count = 0; count < 1000; count++) assert.equal(it.refuse(3), undefined)
  })

  it('at a server that takes 100 of 1,000 it sends about K times that, as the book says', () => {
    const { throttle: it, clock } = throttle()
    let sent = 0
    for (let second = 0; second < 600; second++) {
      let room = 10
      for (let count = 0; count < 100; count++) {
        if (it.refuse() !== undefined) continue
        if (second >= 300) sent++
        it.record(room-- > 0)
      }
      clock.advance(1000)
    }
    // 10 a second are taken: 20 a second are sent, not 100.
    assert.ok(sent / 300 > 17 && sent / 300 < 23, `${sent / 300} a second`)
  })

  it('forgets after two minutes, a little at a time', () => {
    const { throttle: it, clock } = throttle()
    for (let count = 0; count < 24; count++) {
      it.record(false)
      clock.advance(5000)
    }
    assert.ok(!it.atRest)
    clock.advance(59_000)
    const half = it.odds
    assert.ok(half > 0.9 && half < 24 / 25, String(half))
    clock.advance(62_000)
    assert.equal(it.odds, 0)
    assert.ok(it.atRest)
  })

  it('forgets all at once after a long silence', () => {
    const { throttle: it, clock } = throttle()
    for (let count = 0; count < 1000; count++) it.record(count % 10 === 0)
    clock.advance(1e9)
    assert.equal(it.odds, 0)
    it.record(true)
    assert.equal(it.odds, 0)
  })

  it('refuses options out of range by name', () => {
    assert.throws(() => throttle(seeded(1), 0.9), /throttle\.ratio/)
    assert.throws(() => new Throttle('x', { window: 0 }, new VirtualClock(), seeded(1)), /throttle\.window/)
  })
})
