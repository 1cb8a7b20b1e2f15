import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RejectedError } from '../../src/index.ts'
import { channel, type Channel, type ChannelOptions, type OverflowPolicy } from '../../src/stream/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import { settle, watchedSignal } from './settle.ts'

/** What is inside, in order. */
function drained<T>(from: Channel<T>): T[] {
  const items: T[] = []
  for (let taken = from.tryTake(); taken?.done === false; taken = from.tryTake()) items.push(taken.value)
  return items
}

describe('channel', () => {
  const overflows: readonly (readonly [policy: OverflowPolicy, kept: number[], lost: string[], answer: string])[] = [
    ['block', [1, 2, 3], ['4 full', '5 full'], 'reject'],
    ['reject', [1, 2, 3], ['4 full', '5 full'], 'reject'],
    ['drop-oldest', [3, 4, 5], ['1 oldest', '2 oldest'], 'pause'],
    ['drop-newest', [1, 2, 3], ['4 newest', '5 newest'], 'pause'],
    // Always the middle one.
    ['drop-random', [1, 4, 5], ['2 random', '3 random'], 'pause'],
  ]
  for (const [policy, kept, lost, answer] of overflows)
    it(`S0.1 S0.2 ${policy}: what is lost, and that somebody knows`, () => {
      const told: string[] = []
      const random = (): number => 0.5
      const queue = channel<number>({
        capacity: 3,
        policy,
        random,
        onDrop: (item, reason) => told.push(`${item} ${reason}`),
      })
      const answers = [1, 2, 3, 4, 5].map((item) => queue.push(item))
      assert.deepEqual(told, lost)
      assert.deepEqual(answers, ['ok', 'ok', 'pause', answer, answer])
      assert.deepEqual(drained(queue), kept)
      const { pushed, taken, dropped, rejected } = queue.stats
      assert.deepEqual([pushed, taken], [5, 3])
      assert.deepEqual(
        { ...dropped, ...rejected },
        {
          oldest: 0,
          newest: 0,
          random: 0,
          aborted: 0,
          full: 0,
          timeout: 0,
          cancelled: 0,
          closed: 0,
          [lost[0]!.split(' ')[1]!]: 2,
        },
      )
    })

  it('S0.1 has no unbounded default, and refuses what makes no sense', () => {
    const wrong: readonly (readonly [field: RegExp, options: unknown])[] = [
      [/channel\.capacity/, { policy: 'block' }],
      [/channel\.capacity/, { policy: 'block', capacity: Infinity }],
      [/channel\.capacity/, { policy: 'block', capacity: 0 }],
      [/channel\.policy/, { capacity: 1 }],
      [/channel\.policy/, { capacity: 1, policy: 'grow' }],
      [/channel\.highWater/, { capacity: 1, policy: 'block', highWater: 1.1 }],
      [/channel\.lowWater/, { capacity: 1, policy: 'block', lowWater: 0.8 }],
      [/channel\.lowWater/, { capacity: 1, policy: 'block', lowWater: -0.1 }],
    ]
    for (const [field, options] of wrong)
      assert.throws(
        () => channel(options as ChannelOptions<number>),
        (error) => error instanceof RangeError && field.test(error.message),
      )
  })

  it('S0.1 block: producers wait for room, first come first served', async () => {
    const queue = channel<number>({ capacity: 1, policy: 'block' })
    const admitted: number[] = []
    const sent = [1, 2, 3].map((item) => queue.send(item).then(() => admitted.push(item)))
    await settle()
    assert.deepEqual(admitted, [1])
    assert.equal(queue.stats.senders, 2)
    assert.equal(queue.push(4), 'reject', 'nobody overtakes those who wait')
    const first = await queue.take()
    await settle()
    assert.deepEqual([first.value, admitted], [1, [1, 2]])
    assert.deepEqual(drained(queue), [2, 3])
    await Promise.all(sent)
  })

  it('S0.1 block: waiting ends with the signal or the timeout, and leaves nothing behind', async () => {
    const clock = new VirtualClock(5)
    const told: string[] = []
    const queue = channel<string>({
      capacity: 1,
      policy: 'block',
      clock,
      onDrop: (...lost) => told.push(lost.join(' ')),
    })
    queue.push('inside')
    const { controller, listeners } = watchedSignal()
    const { signal } = controller
    const left = queue.send('left', { signal, timeout: 1000 })
    const late = queue.send('late', { signal, timeout: 50 })
    const served = queue.send('served', { signal, timeout: 100 })
    assert.deepEqual([clock.pending, listeners()], [3, 1], 'one for all of them')
    clock.advance(50)
    await assert.rejects(late, (error) => error instanceof RejectedError && error.code === 'queue_timeout')
    assert.equal((await queue.take()).value, 'inside')
    await settle()
    assert.deepEqual([clock.pending, listeners()], [1, 1], 'the first in line was let in')
    assert.equal(await left, 'pause')
    const reason = new Error('gone')
    controller.abort(reason)
    await assert.rejects(served, reason)
    await assert.rejects(queue.send('too late', { signal }), reason)
    await assert.rejects(queue.send('in no time', { timeout: 0 }), { code: 'queue_timeout' })
    assert.deepEqual(drained(queue), ['left'])
    assert.deepEqual([clock.pending, listeners()], [0, 0])
    assert.deepEqual(told, ['late timeout', 'served cancelled', 'too late cancelled', 'in no time timeout'])
  })

  it('S0.2 elsewhere send does what push does, and throws a refusal', async () => {
    const queue = channel<number>({ capacity: 1, policy: 'reject' })
    assert.equal(await queue.send(1), 'pause')
    await assert.rejects(queue.send(2), { code: 'queue_full' })
    queue.close()
    await assert.rejects(queue.send(3), { code: 'closed' })
    assert.deepEqual(queue.stats.rejected, { full: 1, timeout: 0, cancelled: 0, closed: 1 })
  })

  it('S0.3 asks to pause at 80 % and lets go on at 20 %, exactly once a pause', () => {
    const events: string[] = []
    const queue = channel<number>({
      capacity: 10,
      policy: 'reject',
      onPause: () => events.push(`pause at ${queue.size}`),
      onResume: () => events.push(`resume at ${queue.size}`),
    })
    const answers = Array.from({ length: 11 }, (_, item) => queue.push(item))
    assert.deepEqual(answers, [...Array.from({ length: 7 }, () => 'ok'), 'pause', 'pause', 'pause', 'reject'])
    for (let count = 0; count < 5; count++) queue.tryTake()
    assert.equal(queue.push(11), 'pause', 'between the marks the pause goes on')
    drained(queue)
    assert.equal(queue.push(12), 'ok')
    assert.deepEqual(events, ['pause at 8', 'resume at 2'])
    for (let item = 0; item < 9; item++) queue.push(item)
    queue.abort()
    assert.deepEqual(events.slice(2), ['pause at 8', 'resume at 0'], 'nobody waits for ever for a channel that is gone')
  })

  it('S0.3 a listener that drains at once is not answered with a pause nobody would end', () => {
    const queue = channel<number>({ capacity: 2, policy: 'reject', onPause: () => void drained(queue) })
    assert.deepEqual([queue.push(1), queue.push(2), queue.size], ['ok', 'ok', 0])
  })

  it('S0.2 listeners that throw surface by themselves and break nothing', () => {
    const clock = new VirtualClock()
    const queue = channel<number>({
      capacity: 1,
      policy: 'drop-oldest',
      clock,
      onDrop: () => {
        throw new Error('listener')
      },
    })
    queue.push(1)
    assert.equal(queue.push(2), 'pause')
    assert.deepEqual([queue.size, queue.stats.dropped.oldest], [1, 1])
    assert.throws(() => clock.advance(0), /listener/)
  })

  it('hands each item to exactly one of several consumers, whatever the item', async () => {
    const queue = channel<unknown>({ capacity: 9, policy: 'block' })
    const seen: unknown[] = []
    const consume = async (): Promise<void> => {
      for await (const item of queue) seen.push(item)
    }
    const consumers = [consume(), consume(), consume()]
    const items = [undefined, null, 0, '', false, Number.NaN, 'x']
    for (const item of items) await queue.send(item)
    queue.close()
    await Promise.all(consumers)
    assert.deepEqual(seen, items)
  })

  it('loses nothing when a loop is left, or a consumer gives up', async () => {
    const queue = channel<number>({ capacity: 9, policy: 'block' })
    for (let item = 0; item < 4; item++) queue.push(item)
    for await (const item of queue) if (item === 1) break
    assert.equal(queue.closed, false)
    assert.deepEqual(drained(queue), [2, 3])
    const loop = queue[Symbol.asyncIterator]()
    const asked = [loop.next(), loop.next()]
    const { controller, listeners } = watchedSignal()
    const taking = queue.take({ signal: controller.signal })
    assert.equal(queue.stats.takers, 3)
    await loop.return!()
    assert.deepEqual(await Promise.all(asked), [
      { done: true, value: undefined },
      { done: true, value: undefined },
    ])
    controller.abort(new Error('gone'))
    await assert.rejects(taking, /gone/)
    assert.deepEqual([queue.stats.takers, listeners()], [0, 0])
    assert.equal(queue.push(4), 'ok')
    assert.deepEqual(drained(queue), [4], 'not handed to somebody who had gone')
    assert.deepEqual(await loop.next(), { done: true, value: undefined })
  })

  it('close hands out what is inside and what waits; fail does, and then throws', async () => {
    const closed = channel<number>({ capacity: 1, policy: 'block' })
    closed.push(1)
    const waiting = closed.send(2)
    closed.close()
    assert.equal(closed.push(3), 'reject')
    assert.deepEqual(drained(closed), [1, 2])
    await waiting
    assert.equal((await closed.take()).done, true)
    const failed = channel<number>({ capacity: 2, policy: 'block' })
    failed.push(1)
    const error = new Error('broken')
    failed.fail(error)
    assert.equal((await failed.take()).value, 1)
    await assert.rejects(failed.take(), error)
    assert.throws(() => failed.tryTake(), error)
  })

  it('abort drops what is inside, counted, and rejects everybody with the reason', async () => {
    const told: string[] = []
    const queue = channel<number>({ capacity: 2, policy: 'block', onDrop: (...lost) => told.push(lost.join(' ')) })
    queue.push(1)
    queue.push(2)
    const reason = new Error('enough')
    const sending = assert.rejects(queue.send(3), reason)
    queue.abort(reason)
    await sending
    await assert.rejects(queue.take(), reason)
    await assert.rejects(queue.send(4), reason)
    assert.deepEqual(told, ['1 aborted', '2 aborted', '3 closed', '4 closed'])
    const empty = channel<number>({ capacity: 2, policy: 'block' })
    const taking = assert.rejects(empty.take(), { code: 'closed' })
    empty.abort()
    await taking
  })

  it('shows its pressure to whoever watches', () => {
    const queue = channel<number>({ capacity: 4, policy: 'block', name: 'orders' })
    const levels: number[] = []
    const watch = queue.pressure.subscribe(({ level }) => levels.push(level))
    queue.push(1)
    queue.push(2)
    queue.tryTake()
    watch[Symbol.dispose]()
    queue.push(3)
    assert.deepEqual(levels, [0.25, 0.5, 0.25])
    assert.deepEqual(queue.pressure.value, { level: 0.5, cause: 'orders' })
  })
})

/** The mutant: what a queue on an array does. */
class ShiftQueue {
  readonly #items: number[] = []

  push(item: number): void {
    this.#items.push(item)
  }

  tryTake(): void {
    this.#items.shift()
  }
}

describe('a million deep', () => {
  const DEPTH = 1_000_000
  const ROUNDS = 200_000

  /** Milliseconds for so many exchanges at so much depth; the best of three, as others share the machine. */
  function exchange(queue: { push(item: number): unknown; tryTake(): unknown }, depth: number, rounds: number): number {
    for (let item = 0; item < depth; item++) queue.push(item)
    const times = [1, 2, 3].map(() => {
      const start = process.hrtime.bigint()
      for (let round = 0; round < rounds; round++) {
        queue.tryTake()
        queue.push(round)
      }
      return Number(process.hrtime.bigint() - start) / 1e6
    })
    return Math.min(...times) / rounds
  }

  for (const policy of ['block', 'drop-oldest', 'drop-random'] as const)
    it(`S0.1 ${policy} is as fast as at a thousand`, () => {
      const shallow = exchange(channel<number>({ capacity: 2000, policy }), 1000, ROUNDS)
      const deep = exchange(channel<number>({ capacity: DEPTH + 1, policy }), DEPTH, ROUNDS)
      // What is drawn by lot lies anywhere in memory: that is a cache miss, not a search.
      assert.ok(deep < 30 * shallow, `${deep / shallow} times as slow`)
    })

  it('the fault: `shift` on a huge array', () => {
    const shallow = exchange(new ShiftQueue(), 1000, ROUNDS)
    const deep = exchange(new ShiftQueue(), DEPTH, 20)
    assert.ok(deep > 30 * shallow, `only ${deep / shallow} times as slow: this test shows nothing`)
  })
})
