import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { buffer, channel, debounce, fromPush, mapConcurrent, type Channel } from '../../src/index.ts'
import { HandFed, settle, watchedSignal } from './settle.ts'

/** Whatever may be stopped by a signal, begun with one. Each in a number that Node warns of, if each listened. */
const users: Readonly<Record<string, (signal: AbortSignal) => Promise<unknown>>> = {
  'consumers who wait': (signal) => channel<number>({ capacity: 1, policy: 'block' }).take({ signal }),
  'producers who wait': (signal) => {
    const full = channel<number>({ capacity: 1, policy: 'block' })
    full.push(1)
    return full.send(2, { signal })
  },
  'maps of one request': (signal) => mapConcurrent([1], () => new Promise(() => {}), { concurrency: 1, signal }).next(),
  bridges: (signal) => fromPush<number>(() => {}, { capacity: 1, policy: 'reject', signal }).next(),
  'operators that lose nothing': (signal) => buffer(new HandFed<number>(), { count: 2, signal }).next(),
  'operators that lose': (signal) => debounce(new HandFed<number>(), { quiet: 10, signal }).next(),
}

describe('S0.4 one signal for many flows: a request, a shutdown', () => {
  for (const [who, begin] of Object.entries(users))
    it(`S0.4 ${who} share one listener, and all hear of the abort`, async () => {
      const { controller, listeners } = watchedSignal()
      const ends = Array.from({ length: 12 }, () => begin(controller.signal))
      await settle()
      // At the eleventh Node 20 warns of a leak.
      assert.equal(listeners(), 1)
      const reason = new Error('gone')
      controller.abort(reason)
      for (const end of ends) await assert.rejects(end, reason)
    })

  it('S0.1 an abort that makes room for another who hears of it as well leaves the queue whole', async () => {
    const stop = new AbortController()
    const admitted: number[] = []
    // Whoever is told that the first has gone takes what is inside: the second is in before it hears of the abort.
    const queue: Channel<number> = channel({ capacity: 1, policy: 'block', onDrop: () => void queue.tryTake() })
    queue.push(0)
    const { signal } = stop
    const first = queue.send(1, { signal })
    const second = queue.send(2, { signal }).then(() => admitted.push(2))
    const third = queue.send(3).then(() => admitted.push(3))
    stop.abort(new Error('gone'))
    await assert.rejects(first, /gone/)
    await second
    assert.deepEqual([queue.stats.senders, queue.stats.rejected.cancelled], [1, 1])
    assert.deepEqual(await queue.take(), { done: false, value: 2 })
    assert.deepEqual(await queue.take(), { done: false, value: 3 })
    await third
    assert.deepEqual(admitted, [2, 3])
  })
})
