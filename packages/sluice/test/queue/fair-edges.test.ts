import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { earliestDeadline, fair } from '../../src/index.ts'
import { hashOf } from '../../src/ground/index.ts'
import { queueLaws } from '../../src/testing/index.ts'
import { LineUp, Named } from './line-up.ts'

const LINES = 64
/** Five flows that have a line each. */
const FLOWS: readonly string[] = Array.from({ length: 100 }, (_, index) => `flow ${index}`)
  .filter((flow, index, all) => all.findIndex((other) => hashOf(other) % LINES === hashOf(flow) % LINES) === index)
  .slice(0, 5)

/** What a flow has been given, and who of it waits, oldest first. */
class Account {
  given = -Infinity
  readonly line: Named[] = []
}

/** A queue, and beside it whoever waits and virtual time, as the slowest possible program would keep them. */
class Mirrored extends LineUp {
  readonly accounts: Map<string, Account> = new Map(FLOWS.map((flow) => [flow, new Account()]))
  virtual = 0
  typical = 1

  get waiting(): Named[] {
    return [...this.accounts.values()].flatMap(({ line }) => line)
  }

  of(flow: string): Account {
    return this.accounts.get(flow)!
  }

  /** What a flow will have been given once all of its have been let out. */
  end(flow: string): number {
    const { given, line } = this.of(flow)
    const from = line.length > 0 ? given : Math.max(given, this.virtual - 3 * this.typical)
    return from + line.reduce((sum, { cost }) => sum + cost, 0)
  }

  /** Of those who wait. */
  get furthest(): number {
    return Math.max(...this.waiting.map(({ flow }) => this.end(flow!)))
  }

  /** One comes; who it is, and who must go for it. */
  comes(flow: string, cost: number): { readonly waiter: Named; readonly loser: Named | undefined } {
    const waiter = new Named(flow, this.now, { flow, cost })
    return { waiter, loser: this.queue.push(waiter, this.now) }
  }

  entered(waiter: Named): void {
    const account = this.of(waiter.flow!)
    if (account.line.length === 0) account.given = this.end(waiter.flow!)
    account.line.push(waiter)
  }

  served({ flow, cost }: Named): void {
    const account = this.of(flow!)
    this.virtual = Math.max(this.virtual, account.given)
    this.typical += (cost - this.typical) / 16
    account.given += cost
  }

  left(waiter: Named): void {
    const { line } = this.of(waiter.flow!)
    line.splice(line.indexOf(waiter), 1)
  }
}

queueLaws('S1.13 fair, a line for each flow', { describe, it }, fc, () => fair({ capacity: 4, maxWait: 100 }))
queueLaws('S1.13 fair, two of four lines for each flow', { describe, it }, fc, () =>
  fair({ capacity: 4, maxWait: 100, lines: 4, hand: 2, standing: false }),
)

describe('S1.13 fair, at its edges', () => {
  it('S1.13 next is who has had least, and out is the newest of who comes last, whatever came and went before', () => {
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
          const { waiting } = line
          if (does === 'push') {
            const { furthest } = line
            const mayPush = furthest > line.end(flow) + cost
            const rejects = line.queue.rejects({ flow, cost })
            const { waiter, loser } = line.comes(flow, cost)
            if (waiting.length < 12) assert.equal(loser, undefined)
            else if (!mayPush) assert.equal(loser, waiter)
            else {
              assert.equal(line.end(loser!.flow!), furthest, 'of a line that comes last')
              assert.equal(line.of(loser!.flow!).line.at(-1), loser, 'the newest')
              line.left(loser!)
            }
            assert.equal(rejects, loser === waiter)
            if (loser !== waiter) line.entered(waiter)
          } else if (does === 'take') {
            const least = Math.min(...waiting.map((one) => line.of(one.flow!).given))
            const taken = line.take()
            assert.equal(taken === undefined, waiting.length === 0)
            if (taken === undefined) continue
            const account = line.of(taken.flow!)
            assert.equal(account.given, least, 'of who has had least')
            assert.equal(account.line[0], taken, 'the oldest of its line')
            line.served(taken)
            line.left(taken)
          } else if (waiting.length > 0) {
            const one = waiting[who % waiting.length]!
            if (does === 'settle') {
              line.queue.settle!(one.place, 1, cost)
              line.of(one.flow!).given += cost - 1
            } else {
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
