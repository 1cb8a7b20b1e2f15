import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { seeded } from '../../src/index.ts'
import { Chain, type Link } from '../../src/stream/chain.ts'
import { Lottery } from '../../src/stream/lottery.ts'
import { Ring } from '../../src/stream/ring.ts'

describe('Ring', () => {
  it('is first in, first out, in whatever order things happen', () => {
    const random = seeded(3)
    const [ring, model] = [new Ring<number>(), [] as number[]]
    for (let step = 0; step < 50_000; step++) {
      // Tides, so that it grows, wraps round, empties, and gives its memory back.
      if (random() < 0.5 + 0.4 * Math.sin(step / 4000)) {
        ring.push(step)
        model.push(step)
      } else assert.equal(ring.shift(), model.shift())
      assert.deepEqual([ring.size, ring.first], [model.length, model[0]])
    }
  })

  it('keeps nothing alive that has left it, also when it has grown meanwhile', async () => {
    setFlagsFromString('--expose-gc')
    const gc = runInNewContext('gc') as () => void
    const ring = new Ring<object>()
    const refs: WeakRef<object>[] = []
    const push = (): void => {
      const item = { item: refs.length }
      refs.push(new WeakRef(item))
      ring.push(item)
    }
    for (let count = 0; count < 16; count++) push()
    for (let count = 0; count < 10; count++) ring.shift()
    for (let count = 0; count < 24; count++) push()
    for (let count = 0; count < 10; count++) ring.shift()
    // A WeakRef holds on until the turn is over.
    await new Promise((resolve) => setImmediate(resolve))
    gc()
    const alive = refs.flatMap((ref, item) => (ref.deref() === undefined ? [] : [item]))
    assert.deepEqual(
      alive,
      Array.from({ length: 20 }, (_, item) => item + 20),
    )
    assert.equal(ring.size, 20)
  })
})

describe('Lottery', () => {
  it('draws all alike, and the others keep their order', () => {
    const random = seeded(5)
    const drawn = Array.from({ length: 10 }, () => 0)
    for (let round = 0; round < 10_000; round++) {
      const lottery = new Lottery<number>()
      for (let item = 0; item < 10; item++) lottery.push(item)
      drawn[lottery.draw(random)!]!++
      const rest = Array.from({ length: 9 }, () => lottery.shift()!)
      assert.deepEqual(
        rest,
        rest.toSorted((a, b) => a - b),
      )
    }
    for (const count of drawn) assert.ok(Math.abs(count - 1000) < 150, drawn.join(' '))
  })
})

describe('Chain', () => {
  it('lets anybody leave', () => {
    const chain = new Chain<Link & { readonly id: number }>()
    const links = [0, 1, 2, 3].map((id) => ({ id, previous: undefined, next: undefined }))
    for (const link of links) chain.append(link)
    for (const id of [2, 0, 3]) chain.remove(links[id]!)
    assert.deepEqual(
      [chain.size, chain.head?.id, chain.shift()?.id, chain.shift(), chain.size],
      [1, 1, 1, undefined, 0],
    )
  })
})
