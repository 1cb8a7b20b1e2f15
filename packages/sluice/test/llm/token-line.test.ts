import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { seeded, type Priority } from '../../src/ground/index.ts'
import { TokenLine, type LineEntry } from '../../src/llm/token-line.ts'

interface Job extends LineEntry {
  readonly input: number
  readonly output: number
  readonly predicted: number
  readonly number: number
}

/** Service of a job, in tokens of the prompt and twice those of the answer. */
const serviceOf = (input: number, output: number): number => input + 2 * output

interface Play {
  /** The largest difference in service per weight between two tenants, both of whom always had somebody waiting. */
  readonly gap: number
  /** The most one of them was charged at once, and the most that was in progress. */
  readonly bound: number
}

/**
 * Two tenants that always have somebody waiting, of whom one asks for eight times as much, at a server that has so much in
 * progress at once; served by the line, or by another order.
 */
function play(seed: number, weights: readonly [number, number], inflight: number, jobs: number, fifo = false): Play {
  const random = seeded(seed)
  const names = ['small', 'large'] as const
  const line = new TokenLine<Job>((tenant) => (tenant === 'small' ? weights[0] : weights[1]))
  const first: Job[] = []
  const running: Job[] = []
  const service: Record<string, number> = { small: 0, large: 0 }
  let [number, charged, most, gap] = [0, 0, 0, 0]
  const come = (at: 0 | 1): void => {
    const scale = at === 1 ? 8 : 1
    const job: Job = {
      tenant: names[at],
      priority: 2,
      input: Math.ceil(100 * scale * random()),
      output: Math.ceil(100 * scale * random()),
      predicted: 50 * scale,
      number: number++,
    }
    line.push(job)
    first.push(job)
  }
  for (let count = 0; count < 4; count++) {
    come(0)
    come(1)
  }
  for (let done = 0; done < jobs; done++) {
    while (running.length < inflight) {
      const next = fifo ? first[0]! : line.first!
      first.splice(first.indexOf(next), 1)
      line.take(next, serviceOf(next.input, next.predicted))
      charged = Math.max(charged, serviceOf(next.input, Math.max(next.predicted, next.output)))
      running.push(next)
      service[next.tenant]! += next.input
      come(next.tenant === 'small' ? 0 : 1)
    }
    most = Math.max(
      most,
      running.reduce((sum, { output, predicted }) => sum + 2 * Math.max(output, predicted), 0),
    )
    const [ended] = running.splice(Math.floor(random() * running.length), 1)
    service[ended!.tenant]! += 2 * ended!.output
    line.settle(ended!.tenant, 2 * (ended!.output - ended!.predicted))
    gap = Math.max(gap, Math.abs(service['small']! / weights[0] - service['large']! / weights[1]))
  }
  return { gap, bound: (charged + most) / Math.min(...weights) }
}

describe('S2.3 TokenLine', () => {
  it('S2.3 two tenants that always wait never differ by more than 2 U, whatever they ask for', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1e6 }),
        fc.constantFrom<readonly [number, number]>([1, 1], [2, 1], [1, 4]),
        fc.integer({ min: 1, max: 30 }),
        (seed, weights, inflight) => {
          const { gap, bound } = play(seed, weights, inflight, 600)
          assert.ok(gap <= 2 * bound, `gap ${gap}, U ${bound}`)
        },
      ),
      { numRuns: 200, seed: 7 },
    )
  })

  it('S2.3 control: first come first served does', () => {
    const { gap, bound } = play(1, [1, 1], 5, 600, true)
    assert.ok(gap > 2 * bound, `gap ${gap}, U ${bound}`)
  })

  it('S2.3 whoever comes back begins where the others are, and takes nothing for the time it was away', () => {
    const line = new TokenLine<Job>(() => 1)
    let number = 0
    const job = (tenant: string, priority: Priority = 2): Job => {
      const made = { tenant, priority, input: 100, output: 0, predicted: 0, number: number++ }
      line.push(made)
      return made
    }
    const serve = (): string => {
      const next = line.first!
      line.take(next, 100)
      line.settle(next.tenant, 0)
      return next.tenant
    }
    for (let count = 0; count < 100; count++) job('busy')
    for (let count = 0; count < 50; count++) serve()
    for (let count = 0; count < 50; count++) job('back')
    const served = Array.from({ length: 20 }, serve)
    assert.ok(Math.abs(served.filter((name) => name === 'back').length - 10) <= 1, served.join(' '))
    job('urgent', 3)
    assert.equal(serve(), 'urgent')
  })

  it('S1.13 forgets whoever nothing is known of that matters', () => {
    const line = new TokenLine<Job>(() => 1, 100)
    for (let number = 0; number < 10_000; number++) {
      const made: Job = { tenant: `t${number}`, priority: 2, input: 1, output: 0, predicted: 0, number }
      line.push(made)
      line.take(made, 10)
      line.settle(made.tenant, 0)
    }
    assert.ok(line.tenants <= 200, `${line.tenants} are remembered`)
    assert.equal(line.size, 0)
  })

  it('S2.3 names whom to push out: the newest of the longest in the lowest class, never for the longest itself', () => {
    const line = new TokenLine<Job>(() => 1)
    const push = (tenant: string, priority: Priority, number: number): void =>
      line.push({ tenant, priority, input: 1, output: 0, predicted: 0, number })
    push('a', 2, 0)
    push('a', 2, 1)
    push('a', 2, 2)
    push('b', 2, 3)
    assert.equal(line.victim('b', 2)!.number, 2)
    assert.equal(line.victim('c', 2)!.number, 2)
    assert.equal(line.victim('a', 2), undefined)
    assert.equal(line.victim('a', 3)!.number, 2)
    push('b', 0, 4)
    assert.equal(line.victim('a', 2)!.number, 4)
    assert.equal(line.victim('a', 0), undefined)
  })

  it('S2.3 goes by what a tenant has had elsewhere, and tells what it is charged here', () => {
    const told: (readonly [string, number])[] = []
    const line = new TokenLine<Job>(
      (tenant) => (tenant === 'a' ? 2 : 1),
      undefined,
      (...charge) => void told.push(charge),
    )
    const push = (tenant: string, number: number): void =>
      line.push({ tenant, priority: 2, input: 1, output: 0, predicted: 0, number })
    push('a', 0)
    push('b', 1)
    push('a', 2)
    assert.deepEqual(line.next(2, 8).toSorted(), ['a', 'b'])
    line.place('a', 100)
    assert.equal(line.first!.tenant, 'b')
    assert.equal(line.least, 0)
    line.place('b', 150)
    assert.equal(line.first!.number, 0)
    assert.equal(line.least, 100)
    line.take(line.first!, 30)
    assert.equal(line.serviceOf('a'), 115)
    line.settle('a', -10)
    assert.deepEqual(told, [
      ['a', 15],
      ['a', -5],
    ])
    line.place('nobody', 5)
    assert.equal(line.serviceOf('nobody'), 0)
  })
})
