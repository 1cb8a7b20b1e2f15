import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { VirtualClock } from '../../src/sim/index.ts'
import { buffer, window, type Pane } from '../../src/stream/index.ts'
import { HandFed, settle, watchedSignal } from './settle.ts'

/** What a window holds, read to its end. */
async function contents<T>(pane: Pane<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of pane) all.push(item)
  return all
}

describe('buffer', () => {
  it('S0.6 gives full batches, and the rest at the end', async () => {
    const source = new HandFed<number>()
    source.feed(1, 2, 3, 4, 5)
    source.end()
    const batches: number[][] = []
    for await (const batch of buffer(source, { count: 2 })) batches.push(batch)
    assert.deepEqual(batches, [[1, 2], [3, 4], [5]])
  })

  it('S0.6 gives what there is when the first has waited long enough, and never an empty batch', async () => {
    const clock = new VirtualClock(3)
    const source = new HandFed<number>()
    const batches = buffer(source, { count: 100, maxWait: 50, clock })
    const first = batches.next()
    clock.advance(500)
    source.feed(1)
    await settle()
    clock.advance(49)
    source.feed(2)
    await settle()
    assert.equal(clock.pending, 1)
    clock.advance(1)
    assert.deepEqual((await first).value, [1, 2])
    assert.equal(clock.pending, 0, 'no timer runs while nothing is held')
    // The question that was open when the time was up is answered into the next batch.
    source.feed(3)
    await settle()
    clock.advance(50)
    assert.deepEqual((await batches.next()).value, [3])
  })

  it('S0.6 reads only while the consumer asks: it holds one batch at most', async () => {
    const source = new HandFed<number>()
    source.feed(...Array.from({ length: 100 }, (_, item) => item))
    const batches = buffer(source, { count: 3 })
    assert.equal(source.asked, 0)
    await batches.next()
    await settle()
    assert.equal(source.asked, 3)
    const both = [batches.next(), batches.next()]
    assert.deepEqual(
      (await Promise.all(both)).map(({ value }) => value),
      [
        [3, 4, 5],
        [6, 7, 8],
      ],
    )
    assert.deepEqual(batches.stats, { received: 9, emitted: 9, dropped: 0 })
  })

  it('S0.6 hands out what it has before an error, and drops, counted, what it has when it is left', async () => {
    const clock = new VirtualClock()
    const failing = new HandFed<number>()
    const broken = buffer(failing, { count: 3, maxWait: 10, clock })
    const partial = broken.next()
    failing.feed(1)
    await settle()
    failing.fail(new Error('broken'))
    assert.deepEqual((await partial).value, [1])
    await assert.rejects(broken.next(), /broken/)
    assert.equal((await broken.next()).done, true)
    for (const how of ['return', 'abort'] as const) {
      const source = new HandFed<number>()
      const lost: number[] = []
      const { controller, listeners } = watchedSignal()
      const { signal } = controller
      const left = buffer(source, { count: 3, maxWait: 10, clock, signal, onDrop: (item) => lost.push(item) })
      const waiting = left.next().catch(String)
      source.feed(1)
      await settle()
      if (how === 'return') await left.return()
      else controller.abort(new Error('enough'))
      assert.deepEqual(await waiting, how === 'return' ? { done: true, value: undefined } : 'Error: enough')
      source.feed(2)
      await settle()
      assert.deepEqual([lost, left.stats.dropped], [[1, 2], 2])
      assert.deepEqual(await left.return(), { done: true, value: undefined })
      assert.deepEqual([source.returned, clock.pending, listeners(), source.asked], [1, 0, 0, 2])
      const late = buffer(source, { count: 3, signal })
      if (how === 'return') await late.return()
      const answer = await late.next().catch(String)
      assert.deepEqual(answer, how === 'return' ? { done: true, value: undefined } : 'Error: enough')
      assert.equal(source.asked, 2)
    }
  })

  it('S0.6 times each batch by itself, and a source that has ended or cannot be opened by nothing', async () => {
    const clock = new VirtualClock()
    const source = new HandFed<number>()
    const batches = buffer(source, { count: 2, maxWait: 50, clock })
    const first = batches.next()
    source.feed(1)
    await settle()
    clock.advance(40)
    source.feed(2)
    assert.deepEqual((await first).value, [1, 2])
    const second = batches.next()
    source.feed(3)
    await settle()
    clock.advance(40)
    await settle()
    assert.equal(batches.stats.emitted, 2)
    clock.advance(10)
    assert.deepEqual((await second).value, [3])
    const third = batches.next()
    source.feed(4)
    await settle()
    source.end()
    assert.deepEqual((await third).value, [4])
    await batches.return()
    assert.deepEqual([clock.pending, source.returned], [0, 0])
    const unending = buffer(source, { count: 2, clock })
    const fourth = unending.next()
    source.feed(5)
    await settle()
    assert.equal(clock.pending, 0, 'without a time there is no timer')
    source.feed(6)
    await fourth
    const closed: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => {
        throw new Error('cannot open')
      },
    }
    await assert.rejects(buffer(closed, { count: 1 }).next(), /cannot open/)
    await assert.rejects(window(closed, { count: 1 }).next(), /cannot open/)
  })
})

describe('window', () => {
  it('S0.6 cuts by number', async () => {
    const source = new HandFed<number>()
    source.feed(1, 2, 3, 4, 5)
    source.end()
    const panes: number[][] = []
    for await (const pane of window(source, { count: 2 })) panes.push(await contents(pane))
    assert.deepEqual(panes, [[1, 2], [3, 4], [5]])
  })

  it('S0.6 cuts by time from the first item on, and holds one item at most', async () => {
    const clock = new VirtualClock(3)
    const source = new HandFed<number>()
    const panes = window(source, { every: 50, clock })
    const sums: number[] = []
    const reading = (async (): Promise<void> => {
      for await (const pane of panes) {
        let sum = 0
        for await (const item of pane) sum += item
        sums.push(sum)
      }
    })()
    clock.advance(1000)
    assert.equal(clock.pending, 0, 'no timer runs while no window is open')
    for (let item = 1; item <= 10; item++) {
      source.feed(item)
      await settle()
      const { received, emitted, dropped } = panes.stats
      assert.ok(received - emitted - dropped <= 1)
      clock.advance(20)
      await settle()
    }
    source.end()
    await reading
    // 1 to 3 came at 0, 20 and 40; the window was over at 50.
    assert.deepEqual(sums, [6, 15, 24, 10])
    assert.equal(clock.pending, 0)
  })

  it('S0.6 skips the rest of a window that is left, and counts it', async () => {
    const source = new HandFed<number>()
    source.feed(1, 2, 3, 4, 5, 6)
    source.end()
    const lost: number[] = []
    const firsts: number[] = []
    for await (const pane of window(source, { count: 3, onDrop: (item) => lost.push(item) }))
      for await (const item of pane) {
        firsts.push(item)
        break
      }
    assert.deepEqual(
      [firsts, lost],
      [
        [1, 4],
        [2, 3, 5, 6],
      ],
    )
  })

  it('S0.6 a window that is full ends its timer, and the next one is opened for who waits for it', async () => {
    const clock = new VirtualClock()
    const source = new HandFed<number>()
    const panes = window(source, { count: 2, every: 50, clock })
    const opened = panes.next()
    source.feed(1)
    const pane = (await opened).value!
    await pane.next()
    const [last, after] = [pane.next(), panes.next()]
    source.feed(2, 3)
    assert.equal((await last).value, 2)
    assert.equal((await pane.next()).done, true)
    assert.equal((await (await after).value!.next()).value, 3)
    assert.equal(clock.pending, 1, 'that of the second window only')
    await panes.return()
    assert.equal(clock.pending, 0)
  })

  it('S0.6 whoever leaves a window is not kept waiting, and what comes then is skipped', async () => {
    const clock = new VirtualClock()
    const source = new HandFed<number>()
    const panes = window(source, { every: 50, clock })
    const opened = panes.next()
    source.feed(1)
    const pane = (await opened).value!
    await pane.next()
    const waiting = pane.next()
    assert.deepEqual(await pane.return!(), { done: true, value: undefined })
    assert.deepEqual(await waiting, { done: true, value: undefined })
    assert.deepEqual(await pane.next(), { done: true, value: undefined })
    source.feed(2)
    await settle()
    const second = panes.next()
    await settle()
    assert.equal(panes.stats.dropped, 1)
    clock.advance(50)
    source.feed(3)
    assert.equal((await (await second).value!.next()).value, 3)
    const third = panes.next()
    await settle()
    assert.deepEqual(await panes.return(), { done: true, value: undefined })
    assert.deepEqual(await third, { done: true, value: undefined })
    source.feed(4)
    await settle()
    assert.deepEqual(panes.stats, { received: 4, emitted: 2, dropped: 2 })
    assert.deepEqual([source.returned, clock.pending], [1, 0])
    const unopened = window(source, { every: 50, clock })
    await unopened.return()
    assert.deepEqual(await unopened.next(), { done: true, value: undefined })
    assert.deepEqual([source.returned, source.asked], [1, 4])
  })

  it('S0.6 passes an error on to whoever reads, and leaves nothing behind', async () => {
    const clock = new VirtualClock()
    const failing = new HandFed<number>()
    const broken = window(failing, { every: 10, clock })
    const opened = broken.next()
    failing.feed(1)
    const pane = (await opened).value!
    assert.equal((await pane.next()).value, 1)
    const next = assert.rejects(pane.next(), /broken/)
    failing.fail(new Error('broken'))
    await next
    assert.deepEqual([(await broken.next()).done, clock.pending], [true, 0])
    for (const how of ['return', 'abort'] as const) {
      const source = new HandFed<number>()
      const { controller, listeners } = watchedSignal()
      const left = window(source, { every: 10, clock, signal: controller.signal })
      const opened = left.next()
      source.feed(1)
      const pane = (await opened).value!
      if (how === 'return') await left.return()
      else controller.abort(new Error('enough'))
      assert.equal((await pane.next()).done, true)
      if (how === 'abort') await assert.rejects(left.next(), /enough/)
      assert.deepEqual(left.stats, { received: 1, emitted: 0, dropped: 1 })
      assert.deepEqual([source.returned, clock.pending, listeners()], [1, 0, 0])
    }
  })

  it('refuses what makes no sense', () => {
    const source = new HandFed<number>()
    assert.throws(() => window(source, {}), /window/)
    assert.throws(() => window(source, { count: 0 }), /window\.count/)
    assert.throws(() => window(source, { every: 0 }), /window\.every/)
    assert.throws(() => buffer(source, { count: Infinity }), /buffer\.count/)
    assert.throws(() => buffer(source, { count: 1, maxWait: -1 }), /buffer\.maxWait/)
  })
})
