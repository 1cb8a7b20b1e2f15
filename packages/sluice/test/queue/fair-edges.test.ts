import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { earliestDeadline, fair } from '../../src/index.ts'
import { hashOf } from '../../src/ground/index.ts'
import { LineUp, Named } from './line-up.ts'

const LINES = 64
/** Five flows that have a line each. */
const FLOWS: readonly string[] = Array.from({ length: 100 }, (_, index) => `flow ${index}`)
  .filter((flow, index, all) => all.findIndex((other) => hashOf(other) % LINES === hashOf(flow) % LINES) === index)
  .slice(0, 5)

/** A queue, and beside it who is in which line, oldest first, as the slowest possible program would keep it. */
class Mirrored extends LineUp {
  readonly lines: Map<string, Named[]> = new Map(FLOWS.map((flow) => [flow, []]))

  get sizes(): number[] {
    return [...this.lines.values()].map((line) => line.length)
  }

  lineOf(waiter: Named): Named[] {
    return this.lines.get(waiter.flow!)!
  }

  /** One comes; who it is, and who must go for it. */
  comes(flow: string, cost: number): { readonly waiter: Named; readonly loser: Named | undefined } {
    const waiter = new Named(flow, this.now, { flow, cost })
    return { waiter, loser: this.queue.push(waiter, this.now) }
  }

  left(waiter: Named): void {
    const line = this.lineOf(waiter)
    line.splice(line.indexOf(waiter), 1)
  }
}

describe('S1.13 fair, at its edges', () => {
  it('S1.13 whoever is pushed out is the newest of a longest line, whatever came and went before', () => {
    const step = fc.record({
      does: fc.constantFrom('push', 'push', 'push', 'take', 'remove', 'settle'),
      flow: fc.nat({ max: FLOWS.length - 1 }),
      cost: fc.integer({ min: 1, max: 4 }),
      who: fc.nat(),
    })
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 120, size: 'max' }), (steps) => {
        const line = new Mirrored(fair({ capacity: 12, lines: LINES, hand: 1 }))
        for (const { does, flow: index, cost, who } of steps) {
          const flow = FLOWS[index]!
          const own = line.lines.get(flow)!
          const waiting = [...line.lines.values()].flat()
          if (does === 'push') {
            const longest = Math.max(...line.sizes)
            const mayPush = longest > own.length + 1
            const rejects = line.queue.rejects({ flow })
            const comer = line.comes(flow, cost)
            if (waiting.length < 12) assert.equal(comer.loser, undefined)
            else if (!mayPush) assert.equal(comer.loser, comer.waiter)
            else {
              const loser = comer.loser!
              assert.equal(line.lineOf(loser).length, longest, 'of a longest line')
              assert.equal(line.lineOf(loser).at(-1), loser, 'the newest')
              line.left(loser)
            }
            assert.equal(rejects, comer.loser === comer.waiter)
            if (comer.loser !== comer.waiter) own.push(comer.waiter)
          } else if (does === 'take') {
            const taken = line.take()
            assert.equal(taken === undefined, waiting.length === 0)
            if (taken === undefined) continue
            assert.equal(line.lineOf(taken)[0], taken, 'the oldest of its line')
            line.left(taken)
          } else if (waiting.length > 0) {
            const one = waiting[who % waiting.length]!
            if (does === 'settle') line.queue.settle!(one.place, 1, cost)
            else {
              assert.ok(line.queue.remove(one))
              line.left(one)
            }
          }
        }
      }),
      { numRuns: 300 },
    )
  })

  it('S1.13 what the last one really took is held against its line at once', () => {
    const turns = (actual: number): number => {
      const line = new LineUp(fair({ lines: LINES, hand: 1 }))
      for (let time = 0; time < 5; time++) for (const flow of FLOWS.slice(0, 2)) line.push(flow, { flow })
      const first = line.take()!
      line.queue.settle!(first.place, 1, actual)
      return line.drain(3).filter((name) => name === first.name).length
    }
    assert.equal(turns(4), 0)
    assert.equal(turns(1), 1, 'control')
  })

  it('S1.13 who was let out for more than it took is next again at once', () => {
    const line = new LineUp(fair({ lines: LINES, hand: 1 }))
    const [a, b] = FLOWS
    for (let time = 0; time < 3; time++) {
      line.push('a', { flow: a!, cost: 4 })
      line.push('b', { flow: b! })
    }
    const first = line.take()!
    const [wide, narrow] = first.name === 'a' ? [first, line.take()!] : [line.take()!, first]
    assert.deepEqual([wide.name, narrow.name], ['a', 'b'])
    line.queue.settle!(wide.place, 4, 0.5)
    assert.equal(line.take()!.name, 'a')
  })

  it('S1.13 nothing is settled for who never waited', () => {
    const line = new LineUp(fair())
    assert.doesNotThrow(() => line.queue.settle!(-1, 1, 5))
  })

  it('S1.4 a newcomer waits a turn of every line for each that is ahead of it in its own', () => {
    const line = new LineUp(fair({ lines: LINES, hand: 1 }))
    const [a, b, c] = FLOWS
    for (let time = 0; time < 10; time++) for (const flow of [a!, b!, c!]) line.push(flow, { flow })
    line.drain(1)
    line.now += 10
    line.drain(1)
    assert.equal(line.queue.expectedWait!({ flow: FLOWS[3]! }), 30, 'one of each of three')
    for (let time = 0; time < 2; time++) line.push('d', { flow: FLOWS[3]! })
    assert.equal(line.queue.expectedWait!({ flow: FLOWS[3]! }), 120, 'behind two of its own, in four lines')
  })

  it('S1.13 where nobody may wait everybody is rejected', () => {
    const line = new LineUp(fair({ capacity: 0 }))
    assert.ok(line.queue.rejects({}))
    assert.equal(line.push('a'), 'a')
  })

  it('a capacity that makes no sense is named', () => {
    assert.throws(() => fair({ capacity: -1 }), { name: 'RangeError', message: /^fair\.capacity/ })
    assert.throws(() => earliestDeadline({ capacity: -1 }), {
      name: 'RangeError',
      message: /^earliestDeadline\.capacity/,
    })
  })
})
