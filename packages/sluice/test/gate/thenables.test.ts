import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { semaphore, type Gate, type RunOptions } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'

/** Something with a `then` that does whatever it likes. */
function thenable(then: (resolve: (value: unknown) => void, reject: (reason: unknown) => void) => void): unknown {
  // oxlint-disable-next-line unicorn/no-thenable
  return { then }
}

const broken: Readonly<Record<string, () => unknown>> = {
  'a `then` that throws': () =>
    thenable(() => {
      throw new Error('broken')
    }),
  'a `then` that throws when it is looked at': () => ({
    // oxlint-disable-next-line unicorn/no-thenable
    get then(): unknown {
      throw new Error('broken')
    },
  }),
  'a `then` that rejects': () => thenable((_, reject) => reject(new Error('broken'))),
}

function rig(): { gate: Gate; limits: Readonly<Record<string, RunOptions>> } {
  const clock = new VirtualClock(1000)
  const signal = new AbortController().signal
  return {
    gate: semaphore({ permits: 1, clock }),
    limits: { 'no limit': {}, 'a timeout': { timeout: 100 }, 'a deadline': { deadline: 2000 }, 'a signal': { signal } },
  }
}

describe('thenables as work', () => {
  for (const [what, make] of Object.entries(broken))
    it(`S0.10 S2.8 ${what}: its caller hears of it, and the slot comes back`, async () => {
      const { gate, limits } = rig()
      for (const [limit, options] of Object.entries(limits)) {
        await assert.rejects(gate.run(make, options), /broken/, limit)
        assert.equal(gate.stats.inflight, 0, limit)
        assert.equal(gate.zombies, 0, limit)
      }
    })

  it('S0.7 one that settles more than once has settled the first time', async () => {
    const { gate, limits } = rig()
    for (const [limit, options] of Object.entries(limits)) {
      const work = (): unknown =>
        thenable((resolve, reject) => {
          resolve(1)
          resolve(2)
          reject(new Error('late'))
          throw new Error('later')
        })
      assert.equal(await gate.run(work, options), 1, limit)
      assert.equal(gate.stats.inflight, 0, limit)
    }
  })

  it('S0.10 one that comes to another promise holds its slot until that has settled', async () => {
    const { gate, limits } = rig()
    for (const [limit, options] of Object.entries(limits)) {
      let end!: (value: number) => void
      const inner = new Promise<number>((resolve) => (end = resolve))
      const call = gate.run(() => thenable((resolve) => resolve(inner)), options)
      for (let turn = 0; turn < 5; turn++) await Promise.resolve()
      assert.equal(gate.stats.inflight, 1, limit)
      end(7)
      assert.equal(await call, 7, limit)
      assert.equal(gate.stats.inflight, 0, limit)
    }
  })
})
