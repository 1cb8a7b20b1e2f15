import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { Heap } from '../../src/ground/index.ts'

interface Item {
  value: number
  at: number
}

describe('Heap', () => {
  it('sorts', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), (values) => {
        const heap = new Heap<number>((a, b) => a < b)
        for (const value of values) heap.push(value)
        assert.equal(heap.size, values.length)
        assert.deepEqual(
          values.map(() => heap.pop()),
          values.toSorted((a, b) => a - b),
        )
        assert.equal(heap.pop(), undefined)
        assert.equal(heap.size, 0)
      }),
      { seed: 1 },
    )
  })

  it('lets go of anybody, takes changes, and always says where everybody stands', () => {
    const step = fc.record({
      does: fc.constantFrom('push', 'pop', 'remove', 'update'),
      value: fc.nat(50),
      who: fc.nat(),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const heap = new Heap<Item>(
          (a, b) => a.value < b.value,
          (item, at) => (item.at = at),
        )
        const inside: Item[] = []
        for (const { does, value, who } of steps) {
          const item = inside[who % Math.max(1, inside.length)]
          if (does === 'push' || item === undefined) {
            inside.push({ value, at: -1 })
            heap.push(inside.at(-1)!)
          } else if (does === 'update') {
            item.value = value
            heap.update(item.at)
          } else {
            const least = Math.min(...inside.map((one) => one.value))
            const out = does === 'pop' ? heap.pop() : heap.removeAt(item.at)
            if (does === 'pop') assert.equal(out?.value, least)
            else assert.equal(out, item)
            inside.splice(inside.indexOf(out), 1)
          }
          assert.equal(heap.size, inside.length)
          for (const one of inside) assert.equal(heap.at(one.at), one)
          assert.equal(heap.first?.value, inside.length === 0 ? undefined : Math.min(...inside.map((one) => one.value)))
        }
      }),
      { seed: 1, numRuns: 300 },
    )
  })

  it('clears and lists', () => {
    const heap = new Heap<number>((a, b) => a < b)
    for (const value of [3, 1, 2]) heap.push(value)
    assert.deepEqual(
      [...heap].toSorted((a, b) => a - b),
      [1, 2, 3],
    )
    heap.clear()
    assert.equal(heap.size, 0)
    assert.equal(heap.first, undefined)
  })
})
