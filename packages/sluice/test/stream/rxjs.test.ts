import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { BehaviorSubject, from, map, Observable, Subject, throwError, type Subscribable } from 'rxjs'
import { fromPush, type Pushed } from '../../src/stream/index.ts'

const bounded = { capacity: 3, policy: 'drop-oldest' } as const

/** `true` only where each fits the other; anything else does not compile. */
type Same<A, B> = [A, B] extends [B, A] ? true : false

describe('fromPush with RxJS', () => {
  it('S0.6 knows the type of the items', async () => {
    const observable = fromPush(new Observable<{ readonly id: number }>(), bounded)
    const subject = fromPush(new BehaviorSubject('x'), bounded)
    const piped = fromPush(from([1, 2]).pipe(map(String)), bounded)
    const wider: Subscribable<number> = from([1])
    const given = fromPush<number>(wider, bounded)
    const right: [
      Same<typeof observable, Pushed<{ readonly id: number }>>,
      Same<typeof subject, Pushed<string>>,
      Same<typeof piped, Pushed<string>>,
      Same<typeof given, Pushed<number>>,
    ] = [true, true, true, true]
    // @ts-expect-error: items of one type are no items of another
    const wrong: Pushed<number> = subject
    assert.ok(right.every(Boolean) && wrong !== undefined)
    for (const pushed of [observable, subject, piped, given]) await pushed.return()
  })

  it('S0.6 hands out what an observable emits, and its error', async () => {
    const items: string[] = []
    for await (const item of fromPush(from([1, 2, 3]).pipe(map((item) => `item ${item}`)), bounded)) items.push(item)
    assert.deepEqual(items, ['item 1', 'item 2', 'item 3'])
    await assert.rejects(
      fromPush(
        throwError(() => new Error('broken')),
        bounded,
      ).next(),
      /broken/,
    )
  })

  it('S0.6 unsubscribes when the loop is left, and loses by the policy', async () => {
    const subject = new Subject<number>()
    const pushed = fromPush(subject, bounded)
    for (let item = 0; item < 10; item++) subject.next(item)
    for await (const item of pushed) {
      assert.equal(item, 7)
      break
    }
    assert.equal(subject.observed, false)
    assert.deepEqual([pushed.stats.dropped.oldest, pushed.stats.dropped.aborted], [7, 2])
  })
})
