import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Bench, near, UNTIL } from './meter-bench.ts'

describe('meter: the alarm', () => {
  it('S1.3 ends a window at once when six show that work takes twice as long, and says it was cut', () => {
    const bench = new Bench([20])
    bench.fill(300, () => 50)
    const calm = bench.heard
    assert.ok(calm >= 2 && bench.windows.every(({ cut }) => !cut))
    const from = bench.now
    bench.fill(700, () => 500)
    const first = bench.windows.slice(calm).find(({ rtt }) => rtt.typical > 60)!
    assert.ok(first.cut)
    // Once those that run have run for 100 ms, which one that ends sees: a whole window would have taken 500 ms more.
    assert.ok(first.end - from < 501, `${first.end - from} ms`)
  })

  it('is raised by what is still running, as soon as anybody ends', () => {
    const bench = new Bench([40])
    bench.fill(400, () => 50)
    const calm = bench.heard
    const from = bench.now
    // One in four is as quick as before, the others do not come back.
    bench.fill(400, (index) => (index < 40 && index % 4 !== 0 ? 5000 : 50))
    const first = bench.windows.slice(calm).find(({ cut }) => cut)!
    assert.ok(first !== undefined && first.end - from < 300)
    assert.ok(first.rtt.typical > 100, `${first.rtt.typical}`)
  })

  it('is not raised by five, nor by 1.9 times as long, nor before a window may end', () => {
    const slower = new Bench([20])
    slower.fill(300, () => 50)
    slower.fill(600, () => 95)
    assert.ok(slower.windows.every(({ cut }) => !cut))
    const few = new Bench([5], { ...UNTIL, samples: 5, error: 1, atMost: 100_000 })
    few.fill(300, () => 50)
    const calm = few.heard
    // So many take long that all five of a cohort are in flight at once and nobody else.
    for (let count = 0; count < 5 && few.inflight < 5; count++) few.enter(500)
    few.pass(600)
    assert.ok(few.windows.slice(calm).every(({ cut }) => !cut))
    const patient = new Bench([20], { ...UNTIL, atLeast: 400 })
    patient.fill(900, () => 50)
    const from = patient.windows.at(-1)!.end
    const known = patient.heard
    patient.fill(900, () => 200)
    assert.ok(patient.windows[known]!.end - from >= 400)
  })

  it('the window after a cut one is no longer compared with what was before it', () => {
    const bench = new Bench([20])
    bench.fill(300, () => 50)
    bench.fill(2000, () => 200)
    const cuts = bench.windows.map(({ cut }) => cut)
    assert.ok(cuts.filter(Boolean).length <= 2, cuts.join())
    assert.equal(cuts.at(-1), false)
    near(bench.windows.at(-1)!.rtt.typical, 200, 1)
  })

  it('the first window has nothing to be compared with', () => {
    const bench = new Bench([20])
    bench.fill(2200, () => 1000)
    assert.ok(bench.heard > 0 && bench.windows.every(({ cut }) => !cut))
  })
})
