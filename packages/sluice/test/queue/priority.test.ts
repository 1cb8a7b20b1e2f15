import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fifo, priority, semaphore, type Priority, type QueueDiscipline } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import { LineUp } from './line-up.ts'

/** Both classes always ask for more than there is; the share of dispatches the lower one gets. */
function shareOfLow(trickle: number, dispatches: number, capacity = 100_000): number {
  const line = new LineUp(priority({ trickle, capacity }))
  let low = 0
  for (let count = 0; count < dispatches; count++) {
    line.push('low', { priority: 0 })
    line.push('high', { priority: 2 })
    line.now++
    if (line.take()!.priority === 0) low++
  }
  return low / dispatches
}

describe('S1.4 S1.5 by priority', () => {
  it('S1.5 the most important first, first come within a class', () => {
    const line = new LineUp(priority({ trickle: 0 }))
    const classes: readonly Priority[] = [2, 0, 3, 1, 2, 3, 0, 1]
    for (const [index, rank] of classes.entries()) line.push(`${rank}${index}`, { priority: rank })
    assert.deepEqual(line.drain(), ['32', '35', '20', '24', '13', '17', '01', '06'])
  })

  it('S1.5 full, a newcomer pushes out the newest of the least important class below its own', () => {
    const line = new LineUp(priority({ capacity: 4 }))
    for (const [name, rank] of [
      ['old low', 0],
      ['new low', 0],
      ['mid', 1],
      ['ordinary', 2],
    ] as const)
      line.push(name, { priority: rank })
    assert.equal(line.push('a', { priority: 0 }), 'a', 'nobody is below it')
    assert.equal(line.push('b', { priority: 2 }), 'new low')
    assert.equal(line.push('c', { priority: 3 }), 'old low')
    assert.equal(line.push('d', { priority: 1 }), 'd')
    assert.equal(line.push('e', { priority: 2 }), 'mid')
    assert.equal(line.push('f', { priority: 2 }), 'f')
    assert.equal(line.push('g', { priority: 3 }), 'e')
    assert.deepEqual(line.drain(), ['c', 'g', 'ordinary', 'b'])
  })

  it('S1.5 whether a newcomer would come straight back is known before it is made', () => {
    const line = new LineUp(priority({ capacity: 1 }))
    line.push('mid', { priority: 1 })
    assert.ok(line.queue.rejects({ priority: 0 }))
    assert.ok(line.queue.rejects({ priority: 1 }))
    assert.ok(!line.queue.rejects({ priority: 2 }))
    assert.ok(!line.queue.rejects({}), 'an arrival that does not say is ordinary')
  })

  for (const trickle of [0.05, 0.1, 0.5])
    it(`S1.5 saturated, the lowest class gets its trickle of ${trickle}: no less, and no more`, () => {
      const share = shareOfLow(trickle, 4000)
      assert.ok(Math.abs(share - trickle) <= 0.001, `${share}`)
    })

  it('S1.5 it gets its trickle also when the more important ones alone fill the queue', () => {
    const share = shareOfLow(0.05, 4000, 10)
    assert.ok(Math.abs(share - 0.05) <= 0.005, `${share}`)
  })

  it('control: without a trickle it starves', () => {
    assert.equal(shareOfLow(0, 4000), 0)
  })

  it('S1.5 the trickle is owed only for what stood by: after an idle hour nobody low comes first', () => {
    const line = new LineUp(priority())
    for (let count = 0; count < 1000; count++) {
      line.push('high', { priority: 3 })
      line.now++
      line.take()
    }
    line.push('low', { priority: 0 })
    line.push('high', { priority: 3 })
    assert.deepEqual(line.drain(), ['high', 'low'])
  })

  it('S1.4 whoever is too late is given up when its turn comes, in whatever class', () => {
    const line = new LineUp(priority())
    line.push('late', { priority: 3, expires: 1001, deadline: true })
    line.push('impatient', { priority: 2, expires: 1002 })
    line.push('fine', { priority: 0 })
    line.now = 1002
    assert.deepEqual(line.drain(), ['fine'])
    assert.deepEqual(line.refused, ['late: deadline', 'impatient: queue_timeout'])
  })

  it('S1.5 a class behind waits for all before it, as its expected wait says', () => {
    const line = new LineUp(priority())
    for (let count = 0; count < 50; count++) line.push(`${count}`, { priority: 2 })
    for (let count = 0; count < 20; count++) {
      line.now += 10
      line.take()
    }
    const { queue } = line
    assert.equal(queue.expectedWait!({ priority: 3 }), 0)
    assert.equal(queue.expectedWait!({ priority: 2 }), 300)
    assert.equal(queue.expectedWait!({ priority: 0 }), 300)
  })

  it('options out of range are named', () => {
    assert.throws(() => priority({ trickle: 0.6 }), { name: 'RangeError', message: /priority\.trickle/ })
    assert.throws(() => priority({ capacity: 0.5 }), { name: 'RangeError', message: /priority\.capacity/ })
  })
})

/** One slot of 10 ms, twenty before one; what becomes of one that must begin within so many ms. */
function atEnqueue(queue: QueueDiscipline, within: number): string {
  const clock = new VirtualClock(1000)
  const gate = semaphore({ permits: 1, queue, clock })
  const work = (): void =>
    void gate.enter({}, (verdict) => verdict.admitted && clock.after(10, () => verdict.release('success')))
  for (let count = 0; count < 40; count++) work()
  clock.advance(195)
  let said = 'waits'
  gate.enter({ deadline: clock.now() + within }, (verdict) => {
    said = verdict.admitted ? 'in' : `${verdict.code} at ${clock.now() - 1195}`
  })
  const first = said
  clock.advance(1000)
  return first === 'waits' ? `waited: ${said}` : said
}

describe('S1.4 refused at the door when its time cannot be met', () => {
  it('S1.4 whoever cannot be reached before its deadline is refused as it comes', () => {
    assert.equal(atEnqueue(priority({ maxWait: 5000 }), 50), 'deadline at 0')
    assert.equal(atEnqueue(priority({ maxWait: 5000 }), 400), 'waited: in')
  })

  it('S1.4 the same in a single line', () => {
    assert.equal(atEnqueue(fifo(), 50), 'deadline at 0')
  })

  it('control: a queue that does not know how long it takes lets it wait in vain', () => {
    const blind: QueueDiscipline = {
      name: 'blind',
      maxWait: 5000,
      open: () => {
        const queue = fifo().open()
        return Object.create(queue, {
          size: { get: () => queue.size },
          capacity: { value: queue.capacity },
          rejects: { value: () => queue.rejects({}) },
          push: { value: queue.push.bind(queue) },
          next: { value: queue.next.bind(queue) },
          take: { value: queue.take.bind(queue) },
          remove: { value: queue.remove.bind(queue) },
          expectedWait: { value: undefined },
        }) as never
      },
    }
    assert.match(atEnqueue(blind, 50), /^waited: deadline/)
  })
})
