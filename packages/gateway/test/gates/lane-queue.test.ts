import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { fair, fifo, priority, semaphore, type Gate, type Permit, type Priority, type QueueDiscipline } from 'sluice'
import { VirtualClock } from 'sluice/sim'
import { queueLaws } from 'sluice/testing'
import { laneQueue } from '../../src/gates/index.ts'

const S36 = { high: 0.4, normal: 0.4, low: 0.1 }
const MINUTE = 60_000

function lanes(capacity: number, within: QueueDiscipline = fifo({ capacity, maxWait: MINUTE })): QueueDiscipline {
  return laneQueue({ shares: S36, capacity, within })
}

for (const [name, within] of [
  ['fifo', fifo({ capacity: 4, maxWait: 1000 })],
  ['fair', fair({ capacity: 4, maxWait: 1000 })],
  ['a queue that may not stand', priority({ capacity: 4, maxWait: 1000, standing: false })],
] as const)
  queueLaws(`laneQueue of ${name}`, { describe, it }, fc, () => laneQueue({ shares: S36, capacity: 4, within }))

/** A gate of one slot before which the given lanes never run empty; who was let in, in order. */
function dispatched(gate: Gate, waiting: Readonly<Record<string, Priority>>, turns: number): string[] {
  const order: string[] = []
  let current: Permit | undefined
  const ask = (lane: string): void => {
    gate.enter({ priority: waiting[lane]! }, (verdict) => {
      if (!verdict.admitted) throw new Error(verdict.code)
      order.push(lane)
      current = verdict
    })
  }
  for (const lane of Object.keys(waiting)) for (let i = 0; i < 5; i++) ask(lane)
  while (order.length < turns) {
    const lane = order.at(-1)!
    current!.release('success')
    ask(lane)
  }
  return order
}

function gateOf(queue: QueueDiscipline): Gate {
  return semaphore({ permits: 1, queue, clock: new VirtualClock() })
}

function shareOf(order: readonly string[], lane: string): number {
  return order.filter((each) => each === lane).length / order.length
}

describe('laneQueue', () => {
  it('S3.6 all lanes want more than there is: high 50, normal 40, low 10 of a hundred', () => {
    const order = dispatched(gateOf(lanes(100)), { low: 0, normal: 2, high: 3 }, 1000)
    assert.ok(Math.abs(shareOf(order, 'high') - 0.5) < 0.02, String(shareOf(order, 'high')))
    assert.ok(Math.abs(shareOf(order, 'normal') - 0.4) < 0.02)
    assert.ok(Math.abs(shareOf(order, 'low') - 0.1) < 0.02)
  })

  it('S3.6 an idle lane lends its share to the others', () => {
    const order = dispatched(gateOf(lanes(100)), { low: 0, normal: 2 }, 1000)
    assert.ok(Math.abs(shareOf(order, 'normal') - 0.9) < 0.02)
    assert.ok(Math.abs(shareOf(order, 'low') - 0.1) < 0.02)
  })

  it('S3.6 low alone has everything, and what it had is no debt', () => {
    const order = dispatched(gateOf(lanes(100)), { low: 0 }, 100)
    assert.equal(shareOf(order, 'low'), 1)
  })

  it('S3.6 a lane that comes back has its turn at once: its share is taken back with its next waiter', () => {
    const gate = gateOf(lanes(100))
    const order: string[] = []
    const held: Permit[] = []
    const ask = (lane: string, priority: Priority): void =>
      void gate.enter({ priority }, (verdict) => {
        if (!verdict.admitted) return
        order.push(lane)
        held.push(verdict)
      })
    for (let i = 0; i < 20; i++) ask('low', 0)
    for (let i = 0; i < 10; i++) held.at(-1)!.release('success')
    ask('high', 3)
    // The slot that is in use was lent: the next one is not.
    assert.equal(order.at(-1), 'low')
    held.at(-1)!.release('success')
    assert.equal(order.at(-1), 'high')
  })

  it('S3.6 low never starves: within ten dispatches one is its own', () => {
    const order = dispatched(gateOf(lanes(100)), { low: 0, high: 3 }, 200)
    for (let i = 0; i + 11 <= order.length; i++) assert.ok(order.slice(i, i + 11).includes('low'), `from ${i}`)
  })

  it('S3.6 a flood of low work takes no place from high: its newest goes instead', () => {
    const gate = gateOf(lanes(10))
    const verdicts: string[] = []
    for (let i = 0; i < 11; i++)
      gate.enter({ priority: 0 }, (verdict) => verdicts.push(verdict.admitted ? 'in' : verdict.code))
    assert.deepEqual(verdicts, ['in'])
    gate.enter({ priority: 3 }, () => verdicts.push('high'))
    assert.deepEqual(verdicts, ['in', 'evicted'])
    gate.enter({ priority: 0 }, (verdict) => verdicts.push(verdict.admitted ? 'in' : verdict.code))
    assert.deepEqual(verdicts, ['in', 'evicted', 'queue_full'])
  })

  it('S3.6 control: first in, first out lets low have as much as it asks for', () => {
    const order = dispatched(gateOf(fifo({ capacity: 100, maxWait: MINUTE })), { low: 0, normal: 2, high: 3 }, 999)
    assert.ok(shareOf(order, 'low') > 0.3)
  })
})
