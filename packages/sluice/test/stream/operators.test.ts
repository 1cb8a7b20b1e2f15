import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  auditTime,
  debounceTime,
  sampleTime,
  Subject,
  throttleTime,
  VirtualTimeScheduler,
  type MonoTypeOperatorFunction,
} from 'rxjs'
import { seeded } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import {
  audit,
  conflate,
  debounce,
  sample,
  throttle,
  type Operated,
  type OperatorOptions,
} from '../../src/stream/index.ts'
import { HandFed, settle, watchedSignal } from './settle.ts'

const START = 1000.25
const OPERATORS = {
  throttle: (source, options) => throttle(source, { every: 10, ...options }),
  audit: (source, options) => audit(source, { every: 10, ...options }),
  sample: (source, options) => sample(source, { every: 10, ...options }),
  debounce: (source, options) => debounce(source, { quiet: 10, ...options }),
  conflate: (source, options) => conflate(source, { keys: 1, ...options }),
} satisfies Record<string, (source: AsyncIterable<number>, options: OperatorOptions<number>) => Operated<number>>

/** An item and when it comes, or came out, in ms from the start. */
type Timed = readonly [at: number, item: number]

/** Runs an operator on a timeline with a consumer who is always ready. */
async function outputs(operator: keyof typeof OPERATORS, inputs: readonly Timed[], end: number): Promise<Timed[]> {
  const clock = new VirtualClock(START)
  const source = new HandFed<number>()
  const operated = OPERATORS[operator](source, { clock })
  const out: Timed[] = []
  const reading = (async (): Promise<void> => {
    for await (const item of operated) out.push([clock.now() - START, item])
  })()
  // Step by step, as a timer and a consumer must not be in the same turn.
  for (let time = 0, at = 0; time <= end; time += 0.25) {
    clock.advanceTo(START + time)
    await settle()
    for (; at < inputs.length && inputs[at]![0] === time; at++) source.feed(inputs[at]![1])
    await settle()
  }
  assert.equal(clock.pending, 0, 'no timer runs while nothing is held')
  source.end()
  await reading
  return out
}

function byRx(
  operator: MonoTypeOperatorFunction<number>,
  clock: VirtualTimeScheduler,
  inputs: readonly Timed[],
): Timed[] {
  const subject = new Subject<number>()
  const out: Timed[] = []
  const subscription = subject.pipe(operator).subscribe((item) => out.push([clock.now(), item]))
  for (const [at, item] of inputs) clock.schedule(() => subject.next(item), at)
  const last = inputs.at(-1)![0]
  clock.schedule(() => subscription.unsubscribe(), last + 50)
  clock.flush()
  return out
}

describe('lossy operators', () => {
  const burst: readonly Timed[] = [
    [1, 1],
    [4, 2],
    [9, 3],
    [13, 4],
    [40, 5],
  ]
  const expected: Readonly<Record<keyof typeof OPERATORS, readonly Timed[]>> = {
    throttle: [
      [1, 1],
      [13, 4],
      [40, 5],
    ],
    audit: [
      [11, 3],
      [23, 4],
      [50, 5],
    ],
    sample: [
      [10, 3],
      [20, 4],
      [50, 5],
    ],
    debounce: [
      [23, 4],
      [50, 5],
    ],
    conflate: burst,
  }
  for (const [name, out] of Object.entries(expected))
    it(`S0.6 ${name}`, async () => {
      assert.deepEqual(await outputs(name as keyof typeof OPERATORS, burst, 60), out)
    })

  it('S0.6 do what those of RxJS do, on timelines thrown by dice', async () => {
    const peers: Readonly<Record<string, (clock: VirtualTimeScheduler) => MonoTypeOperatorFunction<number>>> = {
      throttle: (clock) => throttleTime(10, clock),
      audit: (clock) => auditTime(10, clock),
      sample: (clock) => sampleTime(10, clock),
      debounce: (clock) => debounceTime(10, clock),
    }
    const random = seeded(7)
    for (const [name, peer] of Object.entries(peers))
      for (let round = 0; round < 4; round++) {
        // Quarters that no sum with 10 meets: what happens at the same instant is nobody's business.
        const times = [...new Set(Array.from({ length: 20 }, () => Math.floor(random() * 150)))].sort((a, b) => a - b)
        const inputs = times.map((time, item): Timed => [time + ((item % 3) + 1) / 4, item])
        const distinct = inputs.filter(
          ([at], index) => !inputs.slice(0, index).some(([other]) => (at - other) % 10 === 0),
        )
        const clock = new VirtualTimeScheduler()
        const rx = byRx(peer(clock), clock, distinct)
        assert.deepEqual(
          await outputs(name as keyof typeof OPERATORS, distinct, 220),
          rx,
          `${name} ${distinct.join(' ')}`,
        )
      }
  })

  for (const name of Object.keys(OPERATORS) as (keyof typeof OPERATORS)[]) {
    it(`S0.6 ${name}: memory is bounded by a slow consumer, every loss counted and told`, async () => {
      const clock = new VirtualClock(START)
      const source = new HandFed<number>()
      const lost: number[] = []
      const operated = OPERATORS[name](source, { clock, onDrop: (item) => lost.push(item) })
      const taken: number[] = []
      const first = operated.next()
      for (let item = 0; item < 100; item++) {
        source.feed(item)
        await settle()
        clock.advance(4)
        await settle()
        const { received, emitted, dropped } = operated.stats
        assert.equal(received, item + 1, 'a source that cannot wait is always read')
        assert.ok(received - emitted - dropped <= 2, `${received - emitted - dropped} are held`)
      }
      source.end()
      // `debounce` has found no silence in all this: for it the end is the first one.
      taken.push((await first).value!)
      for await (const item of operated) taken.push(item)
      const { received, emitted, dropped } = operated.stats
      assert.deepEqual([received, emitted, dropped], [100, taken.length, lost.length])
      assert.deepEqual(
        [...taken, ...lost].sort((a, b) => a - b),
        Array.from({ length: 100 }, (_, item) => item),
      )
      assert.equal(clock.pending, 0)
    })

    it(`S0.6 ${name}: leaving and aborting leave the source once, and neither timer nor listener`, async () => {
      for (const how of ['return', 'abort'] as const) {
        const clock = new VirtualClock(START)
        const source = new HandFed<number>()
        const { controller, listeners } = watchedSignal()
        const lost: number[] = []
        const operated = OPERATORS[name](source, {
          clock,
          signal: controller.signal,
          onDrop: (item) => lost.push(item),
        })
        const first = operated.next()
        source.feed(1, 2, 3)
        await settle()
        clock.advance(20)
        await first
        source.feed(4)
        await settle()
        const next = operated.next().catch(String)
        await settle()
        if (how === 'return') await operated.return()
        else controller.abort(new Error('enough'))
        await settle()
        const answer = await next
        if (how === 'abort' && name !== 'throttle' && name !== 'conflate') assert.equal(answer, 'Error: enough')
        const { received, emitted, dropped } = operated.stats
        assert.deepEqual([received, emitted + dropped, lost.length], [4, 4, dropped])
        const asked = source.asked
        source.feed(5, 6)
        await settle()
        assert.deepEqual(
          [operated.stats.received, operated.stats.dropped],
          [5, dropped + 1],
          'the last it had asked for',
        )
        assert.equal(source.asked, asked)
        assert.deepEqual(await operated.return(), { done: true, value: undefined })
        if (how === 'return') assert.deepEqual(await operated.next(), { done: true, value: undefined })
        assert.deepEqual([source.returned, clock.pending, listeners()], [1, 0, 0])
      }
    })

    it(`S0.6 ${name}: an error of the source comes after what is held`, async () => {
      const clock = new VirtualClock(START)
      const source = new HandFed<number>()
      const operated = OPERATORS[name](source, { clock })
      const first = operated.next()
      source.feed(1)
      await settle()
      source.fail(new Error('broken'))
      assert.equal((await first).value, 1)
      await assert.rejects(operated.next(), /broken/)
      assert.deepEqual([source.returned, clock.pending], [0, 0])
    })
  }

  it('S0.6 conflate keeps the newest by key, in the order the keys came, and no more keys than allowed', async () => {
    const source = new HandFed<string>()
    const lost: string[] = []
    const options = { keys: 3, key: (item: string): unknown => item[0], onDrop: (item: string) => lost.push(item) }
    const prices = conflate(source, options)
    const first = prices.next()
    source.feed('x0')
    assert.equal((await first).value, 'x0')
    source.feed('a1', 'b1', 'a2', 'c1', 'a3', 'd1')
    await settle()
    source.end()
    const out: string[] = []
    for await (const item of prices) out.push(item)
    assert.deepEqual(out, ['b1', 'c1', 'd1'])
    assert.deepEqual(lost, ['a1', 'a2', 'a3'])
  })

  it('S0.6 nothing is read before the first question, nor when it comes too late', async () => {
    const { controller, listeners } = watchedSignal()
    const source = new HandFed<number>()
    const { signal } = controller
    const operated = throttle(source, { every: 10, signal })
    assert.deepEqual([source.asked, listeners()], [0, 0])
    controller.abort(new Error('enough'))
    await assert.rejects(operated.next(), /enough/)
    const left = throttle(source, { every: 10 })
    await left.return()
    assert.deepEqual(await left.next(), { done: true, value: undefined })
    assert.deepEqual([source.asked, source.returned, listeners()], [0, 0, 0])
    const other = watchedSignal()
    const ended = throttle(source, { every: 10, signal: other.controller.signal })
    const first = ended.next()
    source.end()
    assert.deepEqual([(await first).done, other.listeners()], [true, 0])
  })

  it('S0.6 leaving does not hang on a source that hangs', async () => {
    const source = new HandFed<number>()
    source.return = (): Promise<never> => new Promise(() => {})
    const operated = throttle(source, { every: 10 })
    const first = operated.next()
    source.feed(1)
    await first
    assert.equal((await operated.return()).done, true)
  })

  it('S0.6 throttle lets the next one in exactly when the time is up', async () => {
    const inputs: readonly Timed[] = [
      [1, 1],
      [11, 2],
    ]
    assert.deepEqual(await outputs('throttle', inputs, 20), inputs)
  })

  it('S0.6 conflate: an error of the key function leaves the source', async () => {
    const source = new HandFed<number>()
    const key = (): never => {
      throw new Error('no key')
    }
    const first = assert.rejects(conflate(source, { keys: 1, key }).next(), /no key/)
    source.feed(1)
    await first
    assert.equal(source.returned, 1)
  })

  it('refuse what makes no sense', () => {
    const source = new HandFed<number>()
    assert.throws(() => throttle(source, { every: 0 }), /throttle\.every/)
    assert.throws(() => audit(source, { every: Number.NaN }), /audit\.every/)
    assert.throws(() => sample(source, { every: -1 }), /sample\.every/)
    assert.throws(() => debounce(source, { quiet: 0 }), /debounce\.quiet/)
    assert.throws(() => conflate(source, { keys: Infinity }), /conflate\.keys/)
  })
})
