import assert from 'node:assert/strict'
import { EventEmitter, on } from 'node:events'
import { describe, it } from 'node:test'
import { VirtualClock } from '../../src/sim/index.ts'
import { fromPush, type PushObserver, type Subscribable } from '../../src/stream/index.ts'
import { settle, watchedSignal } from './settle.ts'

const bounded = { capacity: 3, policy: 'drop-oldest' } as const

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of source) all.push(item)
  return all
}

/** An observable that is driven by hand and notes what is done to it. */
class Driven implements Subscribable<number> {
  observer: PushObserver<number> | undefined
  unsubscribed = 0

  subscribe(observer: PushObserver<number>): { unsubscribe(): void } {
    this.observer = observer
    return {
      unsubscribe: () => {
        this.unsubscribed++
      },
    }
  }
}

describe('fromPush', () => {
  it('S0.6 bounds what an emitter emits, and says what is lost', async () => {
    const emitter = new EventEmitter()
    const lost: string[] = []
    const pushed = fromPush<number>(emitter, {
      ...bounded,
      event: 'reading',
      endEvent: 'end',
      onDrop: (...what) => lost.push(what.join(' ')),
    })
    for (let reading = 0; reading < 5; reading++) emitter.emit('reading', reading)
    emitter.emit('end')
    assert.deepEqual(await collect(pushed), [2, 3, 4])
    assert.deepEqual(lost, ['0 oldest', '1 oldest'])
    assert.equal(pushed.stats.dropped.oldest, 2)
    assert.deepEqual(emitter.eventNames(), [], 'no listener is left')
  })

  it('S0.6 the fault: what the platform offers grows without bound', async () => {
    const emitter = new EventEmitter()
    const unbounded = on(emitter, 'reading')
    const pushed = fromPush<number>(emitter, { ...bounded, event: 'reading' })
    for (let reading = 0; reading < 1000; reading++) emitter.emit('reading', reading)
    let held = 0
    for await (const _ of unbounded) if (++held === 1000) break
    assert.deepEqual([held, pushed.stats.size], [1000, 3])
    await pushed.return()
    assert.deepEqual(emitter.eventNames(), [])
  })

  it('S0.6 an error of the source passes through, after what came before it', async () => {
    const emitter = new EventEmitter()
    const pushed = fromPush<number>(emitter, { ...bounded, event: 'reading' })
    emitter.emit('reading', 1)
    emitter.emit('error', new Error('broken'))
    assert.equal((await pushed.next()).value, 1)
    await assert.rejects(pushed.next(), /broken/)
    assert.deepEqual(emitter.eventNames(), [])
  })

  it('S0.6 an emitter that takes no listener for one of its events keeps none for the others', () => {
    class Picky extends EventEmitter {
      override on(name: string | symbol, listener: (...told: unknown[]) => void): this {
        // Some attach first and complain then.
        super.on(name, listener)
        if (name === 'end') throw new Error('no such event')
        return this
      }
    }
    class PickyTarget extends EventTarget {
      readonly attached = new Set<string>()
      override addEventListener(name: string): void {
        if (name === 'end') throw new Error('no such event')
        this.attached.add(name)
      }
      override removeEventListener(name: string): void {
        this.attached.delete(name)
      }
    }
    const names = { ...bounded, event: 'reading', endEvent: 'end' }
    const emitter = new Picky()
    assert.throws(() => fromPush<number>(emitter, names), /no such event/)
    assert.deepEqual(emitter.eventNames(), [])
    const target = new PickyTarget()
    assert.throws(() => fromPush<Event>(target, names), /no such event/)
    assert.deepEqual([...target.attached], [])
  })

  it('S0.6 what the emitter said is told where taking a listener back fails as well', () => {
    const emitter = {
      on(name: string): void {
        if (name === 'error') throw new Error('no such event')
      },
      off(): void {
        throw new Error('no such listener')
      },
    }
    assert.throws(() => fromPush<number>(emitter, { ...bounded, event: 'reading' }), /no such event/)
  })

  it('S0.6 listens to an EventTarget', async () => {
    const target = new EventTarget()
    const pushed = fromPush<Event>(target, { ...bounded, event: 'tick', endEvent: 'close' })
    target.dispatchEvent(new Event('tick'))
    target.dispatchEvent(new Event('close'))
    target.dispatchEvent(new Event('tick'))
    assert.deepEqual(
      (await collect(pushed)).map(({ type }) => type),
      ['tick'],
    )
    assert.equal(pushed.stats.pushed, 1)
  })

  it('S0.6 leaves the source once: on break, on return, on abort, at its end', async () => {
    const ends: readonly ((driven: Driven, controller: AbortController) => unknown)[] = [
      ({ observer }) => observer!.complete(),
      ({ observer }) => observer!.error(new Error('broken')),
      (_, controller) => controller.abort(new Error('enough')),
      () => {},
    ]
    for (const end of ends) {
      const driven = new Driven()
      const { controller, listeners } = watchedSignal()
      const pushed = fromPush(driven, { ...bounded, signal: controller.signal })
      driven.observer!.next(1)
      end(driven, controller)
      driven.observer!.next(2)
      await pushed.return()
      await pushed.return()
      assert.deepEqual([driven.unsubscribed, listeners()], [1, 0])
      assert.deepEqual(await pushed.next(), { done: true, value: undefined })
    }
    const driven = new Driven()
    const pushed = fromPush(driven, bounded)
    driven.observer!.next(1)
    for await (const item of pushed) if (item === 1) break
    assert.equal(driven.unsubscribed, 1)
    driven.observer!.next(2)
    assert.deepEqual([pushed.stats.rejected.closed, pushed.stats.size], [1, 0])
  })

  it('S0.6 what is dropped by leaving is counted, and who waits is done', async () => {
    const driven = new Driven()
    const left = fromPush(driven, bounded)
    driven.observer!.next(1)
    await left.return()
    assert.equal(left.stats.dropped.aborted, 1)
    const waiting = fromPush(driven, bounded)
    const next = waiting.next()
    await waiting.return()
    assert.deepEqual(await next, { done: true, value: undefined })
    const { controller } = watchedSignal()
    const aborted = fromPush(driven, { ...bounded, signal: controller.signal })
    const rejected = assert.rejects(aborted.next(), /enough/)
    controller.abort(new Error('enough'))
    await rejected
    const untouched = new Driven()
    const never = fromPush(untouched, { ...bounded, signal: controller.signal })
    await assert.rejects(never.next(), /enough/)
    assert.equal(untouched.observer, undefined)
  })

  it('S0.6 a function sees the answers, and may end before it has returned', async () => {
    const answers: string[] = []
    let left = 0
    const pushed = fromPush<number>(
      (push, close) => {
        for (let item = 0; item < 4; item++) answers.push(push(item))
        close()
        return () => {
          left++
        }
      },
      { capacity: 3, policy: 'reject' },
    )
    assert.deepEqual(await collect(pushed), [0, 1, 2])
    assert.deepEqual([answers, left], [['ok', 'ok', 'pause', 'reject'], 1])
  })

  it('S0.6 finds the observable in whatever interoperates', async () => {
    const driven = new Driven()
    const pushed = fromPush<number>({ '@@observable': () => driven }, bounded)
    driven.observer!.next(1)
    driven.observer!.complete()
    assert.deepEqual(await collect(pushed), [1])
    // Those of the platform answer nothing, and are left through a signal.
    let signal: AbortSignal | undefined
    const platform: Subscribable<number> = {
      subscribe: (_, options) => {
        signal = options?.signal
      },
    }
    await fromPush(platform, bounded).return()
    assert.equal(signal?.aborted, true)
    for (const nothing of [{}, null, 'x', undefined])
      assert.throws(() => fromPush(nothing as Subscribable<number>, bounded), /fromPush\.source/)
    let left = 0
    const bare: Subscribable<number> = {
      subscribe: () => () => {
        left++
      },
    }
    await fromPush(bare, bounded).return()
    assert.equal(left, 1, 'some answer a function')
  })

  it('S0.6 finds the observable behind the symbol', async () => {
    const symbol = Symbol('observable')
    const before = Object.getOwnPropertyDescriptor(Symbol, 'observable')
    Object.defineProperty(Symbol, 'observable', { value: symbol, configurable: true })
    try {
      const driven = new Driven()
      const source = { [symbol]: () => driven, subscribe: () => assert.fail('the symbol comes first') }
      const pushed = fromPush<number>(source, bounded)
      driven.observer!.next(1)
      driven.observer!.complete()
      assert.deepEqual(await collect(pushed), [1])
    } finally {
      delete (Symbol as { observable?: symbol }).observable
      if (before !== undefined) Object.defineProperty(Symbol, 'observable', before)
    }
  })

  it('S0.6 a source that cannot be subscribed to, or left, harms nobody', async () => {
    const { controller, listeners } = watchedSignal()
    const failing = (): never => {
      throw new Error('cannot')
    }
    assert.throws(() => fromPush(failing, { ...bounded, signal: controller.signal }), /cannot/)
    assert.equal(listeners(), 0)
    const clock = new VirtualClock()
    const pushed = fromPush<number>(() => failing, { ...bounded, clock })
    await pushed.return()
    await settle()
    assert.throws(() => clock.advance(0), /cannot/)
  })
})
