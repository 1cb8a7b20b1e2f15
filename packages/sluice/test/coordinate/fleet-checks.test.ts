import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fencesThatFell, type History } from '../integration/fleet-slots-checks.ts'
import type { Used } from '../integration/fleet-slots-rig.ts'

/** A fleet with two slots. Its second member is frozen for longer than its lease of 500, and goes on when it wakes. */
function history(...used: readonly Used[]): History {
  const frozen = { what: 'freeze', worker: 1, from: 100, to: 1000 }
  const briefly = { worker: 0, from: 850, to: 900 }
  return {
    limit: 2,
    lease: 500,
    strict: false,
    maxWait: 1000,
    used: [{ worker: 1, from: 50, to: 1050, fence: 5 }, ...used],
    asked: [],
    faults: [frozen],
    standstills: [briefly],
  }
}

describe('what is checked of fences', () => {
  it('S3.5 whoever stands still for a moment is not blamed for what another, frozen one still holds', () => {
    const others = [
      { worker: 2, from: 700, to: 1200, fence: 9 },
      { worker: 0, from: 800, to: 1200, fence: 10 },
    ]
    assert.deepEqual(fencesThatFell(history(...others)), [])
  })

  it('S3.5 control: what a frozen one holds on top of the limit has to be exposed by something newer', () => {
    const others = [
      { worker: 2, from: 700, to: 1200, fence: 3 },
      { worker: 0, from: 800, to: 1200, fence: 4 },
    ]
    assert.match(fencesThatFell(history(...others)).join(), /worker 1 woke: 1 too many, 0 with a higher fence/)
  })
})
