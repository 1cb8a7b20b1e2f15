import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { VirtualClock } from 'sluice/sim'
import { TurnedAway } from '../../src/admin/turned-away.ts'

describe('who was not let to order anything', () => {
  it('is written down once a second at most, with how many it stands for', () => {
    const clock = new VirtualClock()
    const log: string[] = []
    const turnedAway = new TurnedAway((line) => log.push(line), clock)
    for (let i = 0; i < 2500; i++) {
      turnedAway.note('drain', 'UNAUTHENTICATED', '10.0.0.9')
      clock.advance(1)
    }
    assert.deepEqual(log, [
      'control: drain refused, UNAUTHENTICATED, from 10.0.0.9',
      'control: drain refused, UNAUTHENTICATED, from 10.0.0.9, and 999 more before',
      'control: drain refused, UNAUTHENTICATED, from 10.0.0.9, and 999 more before',
    ])
  })
})
