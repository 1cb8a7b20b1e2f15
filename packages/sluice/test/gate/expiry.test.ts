import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { Expiry, type Expiring } from '../../src/gate/expiry.ts'
import { VirtualClock } from '../../src/sim/index.ts'

interface Entry extends Expiring {
  readonly added: number
  ended: number | undefined
  removed: boolean
}

const entry = (now: number, patience: number): Entry => ({
  added: now,
  expires: now + patience,
  earlier: undefined,
  later: undefined,
  ended: undefined,
  removed: false,
})

/** Holds many, ends each at its time, and keeps one timer. */
function rig(): { clock: VirtualClock; expiry: Expiry<Entry>; armed: () => number } {
  const clock = new VirtualClock(1000.25)
  let armed = 0
  const counting = {
    now: () => clock.now(),
    after: (delay: number, run: () => void) => {
      armed++
      return clock.after(delay, run)
    },
  }
  return { clock, expiry: new Expiry<Entry>(counting, (one) => (one.ended = clock.now())), armed: () => armed }
}

describe('Expiry', () => {
  it('does what a list that is searched every time would do', () => {
    const step = fc.record({
      does: fc.constantFrom('add', 'add', 'remove', 'tick'),
      who: fc.nat(),
      patience: fc.oneof(fc.double({ min: 0, max: 5, noNaN: true }), fc.double({ min: 0, max: 100_000, noNaN: true })),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const { clock, expiry } = rig()
        const all: Entry[] = []
        for (const { does, who, patience } of steps) {
          const one = all[who % Math.max(1, all.length)]
          if (does === 'tick') clock.advance(patience)
          else if (does === 'remove' && one !== undefined) {
            expiry.remove(one)
            one.removed ||= one.ended === undefined
          } else {
            all.push(entry(clock.now(), patience))
            expiry.add(all.at(-1)!, clock.now())
          }
          for (const { added, expires, ended, removed } of all) {
            const grain = Math.max(1, (expires - added) / 256)
            if (removed) assert.equal(ended, undefined)
            else if (ended === undefined) assert.ok(clock.now() <= expires + grain, 'forgotten')
            else assert.ok(ended >= expires && ended <= expires + grain, `ended at ${ended}, due at ${expires}`)
          }
          const waiting = all.filter(({ ended, removed }) => ended === undefined && !removed)
          assert.equal(clock.pending, waiting.length === 0 ? 0 : 1)
        }
      }),
      { seed: 1, numRuns: 300 },
    )
  })

  it('needs few timers for many', () => {
    const { clock, expiry, armed } = rig()
    for (let count = 0; count < 10_000; count++) {
      expiry.add(entry(clock.now(), 3000), clock.now())
      clock.advance(0.01)
    }
    assert.ok(armed() <= 2, `${armed()} timers`)
    clock.advance(4000)
    assert.ok(armed() < 300, `${armed()} timers`)
    assert.equal(clock.pending, 0)
  })

  it('waits for ever for those who do', () => {
    const { clock, expiry } = rig()
    expiry.add(entry(clock.now(), Infinity), clock.now())
    assert.equal(clock.pending, 0)
  })
})
