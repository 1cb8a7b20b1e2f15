import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { semaphore } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import { channel, mapConcurrent, type MapContext } from '../../src/stream/index.ts'
import { HandFed, settle, watchedSignal } from './settle.ts'

/** Work that ends when told to, and notes what happens to it. */
class Bench {
  running = 0
  most = 0
  readonly started: number[] = []
  readonly aborted: number[] = []
  readonly #ends = new Map<number, { resolve(value: string): void; reject(error: unknown): void }>()

  readonly work = (item: number, { signal }: MapContext): Promise<string> => {
    this.started.push(item)
    this.most = Math.max(this.most, ++this.running)
    signal.addEventListener('abort', () => this.aborted.push(item))
    return new Promise<string>((resolve, reject) => this.#ends.set(item, { resolve, reject })).finally(() => {
      this.running--
    })
  }

  async end(...items: readonly number[]): Promise<void> {
    for (const item of items) this.#ends.get(item)!.resolve(`done ${item}`)
    await settle()
  }

  async fail(item: number, error: unknown): Promise<void> {
    this.#ends.get(item)!.reject(error)
    await settle()
  }
}

/** A source that notes how far it was read and how often it was left. */
class Numbers implements IterableIterator<number, undefined, void> {
  pulled = 0
  returned = 0
  readonly #count: number

  constructor(count: number) {
    this.#count = count
  }

  next(): IteratorResult<number, undefined> {
    return this.pulled < this.#count ? { done: false, value: this.pulled++ } : { done: true, value: undefined }
  }

  return(): IteratorResult<number, undefined> {
    this.returned++
    return { done: true, value: undefined }
  }

  [Symbol.iterator](): this {
    return this
  }
}

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of source) all.push(item)
  return all
}

describe('mapConcurrent', () => {
  it('S0.5 pulls nothing before the consumer asks, and never more than may be in progress', async () => {
    const [source, bench] = [new Numbers(100), new Bench()]
    const mapped = mapConcurrent(source, bench.work, { concurrency: 3 })
    await settle()
    assert.equal(source.pulled, 0)
    const first = mapped.next()
    assert.deepEqual(bench.started, [0, 1, 2])
    await bench.end(0, 1, 2)
    assert.equal((await first).value, 'done 0')
    await settle()
    assert.equal(source.pulled, 3, 'the consumer is busy, so nothing is pulled')
    assert.equal((await mapped.next()).value, 'done 1')
    assert.equal(source.pulled, 4)
    // Results that nobody asks for do not pile up.
    await bench.end(3)
    const asks = [mapped.next(), mapped.next(), mapped.next()]
    await settle()
    const pulled: number = source.pulled
    assert.ok(pulled <= 8 && bench.running <= 3, `${pulled} pulled`)
    await mapped.return!()
    assert.deepEqual(await Promise.all(asks.slice(2)), [{ done: true, value: undefined }])
  })

  it('S0.5 the fault: Promise.all starts everything at once', async () => {
    const [naive, bounded] = [new Bench(), new Bench()]
    const items = Array.from({ length: 1000 }, (_, item) => item)
    const all = Promise.all(
      items.map((item) => naive.work(item, { signal: new AbortController().signal, index: item })),
    )
    const mapped = collect(mapConcurrent(items, bounded.work, { concurrency: 10 }))
    await settle()
    for (const item of items) await bounded.end(item)
    await naive.end(...items)
    assert.deepEqual([naive.most, bounded.most], [1000, 10])
    assert.deepEqual(await mapped, await all)
  })

  it('S0.5 keeps the order of the source, or gives results as they complete', async () => {
    for (const [ordered, expected] of [
      [true, ['done 0', 'done 1', 'done 2', 'done 3']],
      [false, ['done 2', 'done 0', 'done 3', 'done 1']],
    ] as const) {
      const bench = new Bench()
      const mapped = collect(mapConcurrent(new Numbers(4), bench.work, { concurrency: 4, ordered }))
      for (const item of [2, 0, 3, 1]) await bench.end(item)
      assert.deepEqual(await mapped, expected)
    }
  })

  it('S0.5 takes synchronous work, async sources, and knows the index', async () => {
    const source = (async function* (): AsyncGenerator<string> {
      yield 'a'
      yield 'b'
      yield 'c'
    })()
    const mapped = mapConcurrent(source, (item, { index }) => `${item}${index}`, { concurrency: 2 })
    assert.deepEqual(await collect(mapped), ['a0', 'b1', 'c2'])
  })

  it('S0.5 the first error aborts what is in progress, leaves the source once, and is thrown once', async () => {
    const [source, bench] = [new Numbers(100), new Bench()]
    const mapped = mapConcurrent(source, bench.work, { concurrency: 3, ordered: false })
    const error = new Error('bad item')
    const first = assert.rejects(mapped.next(), error)
    await bench.fail(1, error)
    await first
    assert.deepEqual(bench.aborted, [0, 2])
    assert.deepEqual([source.pulled, source.returned], [3, 1])
    await bench.fail(0, new Error('a later one'))
    assert.deepEqual(await mapped.next(), { done: true, value: undefined })
    await mapped.return!()
    assert.equal(source.returned, 1)
  })

  it('S0.5 what was complete and in turn comes out before the error', async () => {
    const bench = new Bench()
    const mapped = mapConcurrent(new Numbers(9), bench.work, { concurrency: 4 })
    const first = mapped.next()
    await bench.end(0, 1, 3)
    await first
    await bench.fail(2, new Error('bad item'))
    assert.equal((await mapped.next()).value, 'done 1')
    await assert.rejects(mapped.next(), /bad item/)
    assert.equal((await mapped.next()).done, true)
  })

  it('S0.5 an early break aborts what is in progress and leaves the source once', async () => {
    const [source, bench] = [new Numbers(100), new Bench()]
    const loop = (async (): Promise<void> => {
      for await (const result of mapConcurrent(source, bench.work, { concurrency: 3 })) {
        assert.equal(result, 'done 0')
        break
      }
    })()
    await settle()
    await bench.end(0)
    await loop
    assert.deepEqual(bench.aborted, [1, 2])
    assert.equal(source.returned, 1)
  })

  it('S0.5 a break does not hang on a source that hangs, and loses nothing of a channel', async () => {
    const source = new HandFed<number>()
    const mapped = mapConcurrent(source, (item) => item, { concurrency: 3 })
    const first = mapped.next()
    source.feed(1)
    assert.equal((await first).value, 1)
    await mapped.return!()
    assert.deepEqual([source.asked, source.returned], [2, 1])
    const queue = channel<number>({ capacity: 5, policy: 'block' })
    queue.push(1)
    for await (const item of mapConcurrent(queue, (item) => item, { concurrency: 3 })) {
      assert.equal(item, 1)
      break
    }
    queue.push(2)
    assert.equal(queue.size, 1)
  })

  it('S0.5 an abort ends it with the reason, before and while it runs, and leaves no listener', async () => {
    const [source, bench] = [new Numbers(100), new Bench()]
    const { controller, listeners } = watchedSignal()
    const { signal } = controller
    const mapped = mapConcurrent(source, bench.work, { concurrency: 2, signal })
    const reason = new Error('enough')
    const first = assert.rejects(mapped.next(), reason)
    assert.equal(listeners(), 1)
    controller.abort(reason)
    await first
    assert.deepEqual([bench.aborted, source.returned, listeners()], [[0, 1], 1, 0])
    const untouched = new Numbers(100)
    await assert.rejects(mapConcurrent(untouched, bench.work, { concurrency: 2, signal }).next(), reason)
    assert.equal(untouched.pulled, 0)
    const other = watchedSignal()
    await collect(mapConcurrent(new Numbers(9), (item) => item, { concurrency: 2, signal: other.controller.signal }))
    assert.equal(other.listeners(), 0)
  })

  it('S0.5 an item out of time is really aborted, and no timer stays behind', async () => {
    const clock = new VirtualClock(7)
    const [source, bench] = [new Numbers(100), new Bench()]
    const mapped = mapConcurrent(source, bench.work, { concurrency: 2, timeout: 100, clock })
    const first = mapped.next()
    clock.advance(60)
    await bench.end(0)
    await first
    const second = assert.rejects(mapped.next(), { code: 'deadline' })
    clock.advance(40)
    await second
    assert.deepEqual(bench.aborted, [1, 2], 'the one that was late, and the one beside it')
    assert.deepEqual([clock.pending, source.returned], [0, 1])
    const failing = (): Promise<never> => Promise.reject(new Error('bad item'))
    await assert.rejects(mapConcurrent([1], failing, { concurrency: 1, timeout: 100, clock }).next(), /bad item/)
    await collect(mapConcurrent([1, 2], String, { concurrency: 1, timeout: 100, clock }))
    const patient = mapConcurrent(new Numbers(9), bench.work, { concurrency: 2, clock })
    const asked = patient.next()
    assert.equal(clock.pending, 0, 'without a time there is no timer')
    await patient.return!()
    await asked
  })

  it('S0.5 the fault: a race with a timer leaves the work running', async () => {
    const clock = new VirtualClock()
    const bench = new Bench()
    const { signal } = new AbortController()
    const late = new Promise((_, reject) => clock.after(100, () => reject(new Error('late'))))
    const raced = assert.rejects(Promise.race([bench.work(0, { signal, index: 0 }), late]), /late/)
    clock.advance(100)
    await raced
    assert.deepEqual(bench.aborted, [], 'nobody has told the work')
  })

  it('S0.5 what the source throws is thrown, and a broken source is not left again', async () => {
    let returned = 0
    const source: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.reject(new Error('broken')),
        return: () => {
          returned++
          return Promise.resolve({ done: true, value: undefined })
        },
      }),
    }
    await assert.rejects(collect(mapConcurrent(source, (item) => item, { concurrency: 2 })), /broken/)
    assert.equal(returned, 0)
  })

  it('S0.5 a source that cannot be opened, or throws when asked, ends it', async () => {
    const closed: Iterable<number> = {
      [Symbol.iterator]: () => {
        throw new Error('cannot open')
      },
    }
    await assert.rejects(mapConcurrent(closed, String, { concurrency: 2 }).next(), /cannot open/)
    const throwing = (function* (): Generator<number> {
      yield 1
      throw new Error('cannot read')
    })()
    const mapped = mapConcurrent(throwing, (item) => item, { concurrency: 1 })
    assert.deepEqual(await mapped.next(), { done: false, value: 1 })
    await assert.rejects(mapped.next(), /cannot read/)
    assert.deepEqual(await mapped.next(), { done: true, value: undefined })
  })

  it('S0.5 an async source is asked one item at a time, as far as may be in progress', async () => {
    const [source, bench] = [new HandFed<number>(), new Bench()]
    const mapped = mapConcurrent(source, bench.work, { concurrency: 3, ordered: false })
    const asks = [mapped.next(), mapped.next(), mapped.next(), mapped.next(), mapped.next()]
    assert.equal(source.asked, 1)
    source.feed(0)
    await settle()
    assert.deepEqual([source.asked, bench.started], [2, [0]])
    source.feed(1, 2, 3, 4, 5, 6)
    await settle()
    assert.deepEqual([source.asked, bench.running], [3, 3])
    await bench.end(1)
    assert.deepEqual([source.asked, bench.running], [4, 3], 'more are asked for, so a free place is filled')
    await bench.end(0, 2, 3)
    await bench.end(4)
    await Promise.all(asks)
    // Nobody asks any more: what completes is kept, and nothing is pulled.
    await bench.end(5, 6)
    assert.deepEqual([source.asked, bench.running], [7, 0])
    const sixth = mapped.next()
    assert.equal((await sixth).value, 'done 5')
    source.end()
    assert.equal((await mapped.next()).value, 'done 6')
    assert.deepEqual(await mapped.next(), { done: true, value: undefined })
    assert.equal(source.returned, 0, 'a source that has ended is not left')
  })

  it('S0.5 no listener waits for a consumer who does not come back for what is complete', async () => {
    const { controller, listeners } = watchedSignal()
    const bench = new Bench()
    const mapped = mapConcurrent(new Numbers(2), bench.work, { concurrency: 4, signal: controller.signal })
    const first = mapped.next()
    await bench.end(1)
    assert.equal(listeners(), 1)
    await bench.end(0)
    await first
    assert.equal(listeners(), 0)
    controller.abort(new Error('too late'))
    assert.equal((await mapped.next()).value, 'done 1')
  })

  it('S0.5 a source that answers with no result is an error for who asked', async () => {
    for (const result of [undefined, null, 5])
      for (const answer of [result, Promise.resolve(result)]) {
        const source = { [Symbol.asyncIterator]: () => ({ next: () => answer }) } as unknown as AsyncIterable<number>
        const mapped = mapConcurrent(source, (item) => item, { concurrency: 2 })
        await assert.rejects(mapped.next(), TypeError)
        assert.equal((await mapped.next()).done, true)
      }
  })

  it('S0.5 leaving waits for an idle source, and throws what it throws', async () => {
    const source = (function* (): Generator<number> {
      try {
        yield 1
        yield 2
      } finally {
        // oxlint-disable-next-line no-unsafe-finally -- a source that cannot be closed is what is tried
        throw new Error('cannot close')
      }
    })()
    const mapped = mapConcurrent(source, (item) => item, { concurrency: 1 })
    await mapped.next()
    await assert.rejects(mapped.return!(), /cannot close/)
    assert.deepEqual(await mapped.next(), { done: true, value: undefined })
    assert.deepEqual(await mapped.return!(), { done: true, value: undefined })
  })

  it('S0.5 work that asks for its signal too late finds it aborted', async () => {
    const reasons: unknown[] = []
    const work = async (_: number, context: MapContext): Promise<void> => {
      await settle()
      await settle()
      reasons.push(context.signal.reason)
    }
    const { controller } = watchedSignal()
    const mapped = mapConcurrent([1], work, { concurrency: 1, signal: controller.signal })
    const first = assert.rejects(mapped.next(), /enough/)
    controller.abort(new Error('enough'))
    await first
    for (let turn = 0; turn < 5; turn++) await settle()
    assert.deepEqual(reasons.map(String), ['Error: enough'])
  })

  it('S0.5 a gate admits each item, with a timeout that counts from then on', async () => {
    const clock = new VirtualClock()
    const gate = semaphore({ permits: 1, clock })
    const bench = new Bench()
    const refused = mapConcurrent(new Numbers(9), bench.work, { concurrency: 2, gate, clock })
    await assert.rejects(refused.next(), { code: 'limit_exceeded' })
    await bench.end(0)
    assert.equal(gate.stats.inflight, 0)
    const timed = mapConcurrent(new Numbers(9), bench.work, { concurrency: 1, gate, timeout: 10, clock })
    const first = assert.rejects(timed.next(), { code: 'deadline' })
    await settle()
    clock.advance(10)
    await first
    assert.deepEqual(bench.aborted.slice(-1), [0])
    await bench.end(0)
    assert.deepEqual([gate.stats.inflight, clock.pending], [0, 0])
  })

  it('refuses what makes no sense', () => {
    assert.throws(() => mapConcurrent([], String, { concurrency: 0 }), /mapConcurrent\.concurrency/)
    assert.throws(() => mapConcurrent([], String, { concurrency: Infinity }), /mapConcurrent\.concurrency/)
    assert.throws(() => mapConcurrent([], String, { concurrency: 1, timeout: -1 }), /mapConcurrent\.timeout/)
  })
})
