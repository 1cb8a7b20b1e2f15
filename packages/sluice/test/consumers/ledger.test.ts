import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Ledger, type Delivery } from '../../src/consumers/ledger.ts'
import { seeded } from '../../src/index.ts'

/** The same by a list that is searched every time. */
class Slow {
  readonly entries: { offset: bigint; done: boolean }[] = []

  get committable(): bigint | undefined {
    const open = this.entries.find(({ done }) => !done)
    return open?.offset ?? (this.entries.length === 0 ? undefined : this.entries.at(-1)!.offset + 1n)
  }

  get size(): number {
    const open = this.entries.findIndex(({ done }) => !done)
    return open < 0 ? 0 : this.entries.length - open
  }
}

describe('a ledger', () => {
  it('has nothing to commit before the first delivery', () => {
    const ledger = new Ledger()
    assert.deepEqual([ledger.committable, ledger.size, ledger.highest], [undefined, 0, undefined])
  })

  it('S1.12 commits the lowest offset that is not done, in whatever order work ends and with gaps between offsets', () => {
    const random = seeded(7)
    for (let run = 0; run < 300; run++) {
      const ledger = new Ledger()
      const slow = new Slow()
      const open: [Delivery, { done: boolean }][] = []
      let offset = BigInt(Math.floor(random() * 5))
      for (let step = 0; step < 60; step++) {
        if (open.length === 0 || random() < 0.5) {
          const entry = { offset, done: false }
          slow.entries.push(entry)
          open.push([ledger.add(offset), entry])
          offset += BigInt(1 + Math.floor(random() * 3))
        } else {
          const [[delivery, entry]] = open.splice(Math.floor(random() * open.length), 1) as [(typeof open)[number]]
          entry.done = true
          ledger.finish(delivery)
        }
        assert.deepEqual([ledger.committable, ledger.size], [slow.committable, slow.size])
      }
    }
  })

  it('goes back: what is above counts no more, what is below and not done still does', () => {
    const ledger = new Ledger()
    const [one, two, three, four] = [1n, 2n, 3n, 4n].map((offset) => ledger.add(offset)) as [
      Delivery,
      Delivery,
      Delivery,
      Delivery,
    ]
    ledger.finish(three)
    ledger.rewind(2n)
    assert.deepEqual([one.superseded, two.superseded, three.superseded, four.superseded], [false, true, true, true])
    assert.deepEqual([ledger.size, ledger.committable, ledger.highest], [1, 1n, 1n])
    const again = ledger.add(2n)
    ledger.finish(two)
    ledger.finish(one)
    assert.deepEqual([ledger.size, ledger.committable], [1, 2n])
    ledger.finish(again)
    assert.deepEqual([ledger.size, ledger.committable], [0, 3n])
    ledger.rewind(0n)
    assert.deepEqual([ledger.size, ledger.committable], [0, 0n])
  })
})
