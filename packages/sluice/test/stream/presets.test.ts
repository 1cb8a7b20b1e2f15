import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { fixed } from '../../src/index.ts'
import { interactive, latest, lossless, pull } from '../../src/stream/index.ts'
import { settle } from './settle.ts'

const page = readFileSync(fileURLToPath(new URL('../../../../../docs/flow.md', import.meta.url)), 'utf8')

describe('presets', () => {
  it('S0.9 payments and orders: the producer waits and nothing is lost', async () => {
    const orders = lossless<number>({ capacity: 2 })
    const sending = Promise.all([1, 2, 3, 4, 5].map((order) => orders.send(order)))
    await settle()
    assert.deepEqual([orders.size, orders.stats.senders], [2, 3])
    const served: number[] = []
    const serving = (async (): Promise<void> => {
      for await (const order of orders) served.push(order)
    })()
    await sending
    orders.close()
    await serving
    assert.deepEqual(served, [1, 2, 3, 4, 5])
    const { dropped, rejected } = orders.stats
    assert.deepEqual([...Object.values(dropped), ...Object.values(rejected)].filter(Boolean), [])
  })

  it('S0.9 live metrics and video: the newest are kept, what is lost is counted', () => {
    const frames = latest<number>({ capacity: 3 })
    for (let frame = 0; frame < 10; frame++) assert.notEqual(frames.push(frame), 'reject')
    assert.deepEqual(
      [1, 2, 3].map(() => frames.tryTake()?.value),
      [7, 8, 9],
    )
    assert.equal(frames.stats.dropped.oldest, 7)
  })

  it('S0.9 interactive: in at once or refused at the door', async () => {
    const door = interactive({ limit: fixed(1) })
    const inside = await door.acquire()
    await assert.rejects(door.acquire(), { code: 'queue_full' })
    assert.equal(door.stats.queued, 0)
    inside.release('success')
    assert.equal(door.tryEnter().admitted, true)
  })

  it('S0.9 stream processing: the consumer pulls', async () => {
    let read = 0
    const source = function* (): Generator<number> {
      for (;;) yield read++
    }
    for await (const square of pull(source(), async (item) => item * item, { concurrency: 4 })) if (square === 9) break
    assert.ok(read < 9, `${read} were read of an endless source`)
  })

  it('S0.9 none is unbounded', () => {
    assert.deepEqual([lossless().capacity, latest().capacity], [1000, 100])
    assert.throws(() => lossless({ capacity: Infinity }), RangeError)
  })

  it('S0.9 one table names every preset, and the engine of the fleet', () => {
    const rows = page.split('\n').filter((line) => line.startsWith('| '))
    for (const call of ['lossless', 'latest', 'interactive', 'pull'])
      assert.equal(rows.filter((row) => row.includes(`\`${call}(`)).length, 1, call)
    assert.ok(rows.some((row) => row.includes('fleet')))
  })
})
