import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fair, semaphore, type Permit } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'

/** Who is served, one after the other, once the first of `a` has said at its end what it cost. */
function order(cost: number | undefined): string {
  const gate = semaphore({ permits: 1, queue: fair({ lines: 64, hand: 1 }), clock: new VirtualClock(1000) })
  let served = ''
  const inside: Permit[] = []
  const ask = (flow: string): void => {
    gate.enter({ flow }, (verdict) => {
      assert.ok(verdict.admitted)
      inside.push(verdict)
      served += flow
    })
  }
  const next = (cost?: number): void => inside.pop()!.release('success', cost)
  ask('x')
  ask('a')
  next()
  for (const flow of 'aaaabbbb') ask(flow)
  next(cost)
  while (inside.length > 0) next()
  return served
}

describe('a fair queue that is told what something cost in the end', () => {
  it('makes whoever cost more wait longer, and is no worse off for figures that make no sense', () => {
    const usual = order(undefined)
    assert.equal(usual, 'xabbaabbaa')
    assert.equal(order(4), 'xabbbbaaaa')
    assert.equal(order(0), 'xabaabbaab')
    for (const nonsense of [Number.NaN, Infinity, -Infinity, -1, 1e300])
      assert.equal(order(nonsense), usual, `${nonsense}`)
  })
})
