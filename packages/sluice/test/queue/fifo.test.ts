import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fifo, type Waiter } from '../../src/index.ts'

function waiter(id: number, cost = 1, expires = Infinity): Waiter & { readonly id: number } {
  return {
    id,
    cost,
    expires,
    priority: 2,
    flow: undefined,
    since: 0,
    expiry: 'queue_timeout',
    previous: undefined,
    next: undefined,
    place: -1,
  }
}

describe('fifo', () => {
  it('serves in the order of coming', () => {
    const queue = fifo().open<ReturnType<typeof waiter>>()
    for (let id = 0; id < 5; id++) queue.push(waiter(id), 0)
    const served: number[] = []
    for (let next = queue.next(1, () => {}); next !== undefined; next = queue.next(1, () => {})) {
      queue.take(next, 1)
      served.push(next.id)
    }
    assert.deepEqual(served, [0, 1, 2, 3, 4])
  })

  it('refuses newcomers when it is full', () => {
    const queue = fifo({ capacity: 1 }).open()
    const [first, second] = [waiter(1), waiter(2)]
    assert.equal(queue.rejects({}), false)
    assert.equal(queue.push(first, 0), undefined)
    assert.equal(queue.rejects({}), true)
    assert.equal(queue.push(second, 0), second)
    assert.equal(queue.size, 1)
  })

  it('gives up on who is too late before naming the next', () => {
    const queue = fifo().open<ReturnType<typeof waiter>>()
    for (const one of [waiter(1, 1, 10), waiter(2, 1, 10), waiter(3, 1, 30)]) queue.push(one, 0)
    const refused: [number, string][] = []
    assert.equal(queue.next(10, (one, code) => void refused.push([one.id, code]))?.id, 3)
    assert.deepEqual(refused, [
      [1, 'queue_timeout'],
      [2, 'queue_timeout'],
    ])
  })

  it('lets anybody go from anywhere, however deep', () => {
    const queue = fifo({ capacity: 100_000 }).open<ReturnType<typeof waiter>>()
    const all = Array.from({ length: 100_000 }, (_, id) => waiter(id))
    for (const one of all) queue.push(one, 0)
    // Quadratic, this would take minutes.
    for (const one of all) if (one.id % 2 === 0) assert.ok(queue.remove(one))
    assert.equal(queue.size, 50_000)
    assert.equal(queue.remove(all[0]!), false)
    assert.equal(queue.next(0, () => {})?.id, 1)
  })

  it('opens a queue of its own for every gate', () => {
    const discipline = fifo()
    const [one, other] = [discipline.open(), discipline.open()]
    one.push(waiter(1), 0)
    assert.equal(other.size, 0)
  })

  it('has no unbounded default, and takes only bounds that make sense', () => {
    assert.equal(fifo().open().capacity, 1000)
    assert.equal(fifo().maxWait, 3000)
    assert.throws(() => fifo({ capacity: -1 }), { name: 'RangeError', message: /^fifo\.capacity: .+ got -1$/ })
    assert.throws(() => fifo({ capacity: Infinity }), { name: 'RangeError', message: /^fifo\.capacity/ })
    assert.throws(() => fifo({ maxWait: Number.NaN }), { name: 'RangeError', message: /^fifo\.maxWait/ })
  })
})
