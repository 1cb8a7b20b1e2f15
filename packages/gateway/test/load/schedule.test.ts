import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seeded } from 'sluice'
import type { Phase } from '../../src/load/index.ts'
import { Schedule } from '../../src/load/schedule.ts'

function all(schedule: Schedule): { due: number; phase: number }[] {
  const arrivals: { due: number; phase: number }[] = []
  for (; schedule.due < Infinity; schedule.advance()) arrivals.push({ due: schedule.due, phase: schedule.phase })
  return arrivals
}

const STEPS: readonly Phase[] = [
  { name: 'slow', rate: 4, duration: 1000 },
  { name: 'none', rate: 0, duration: 500 },
  { name: 'fast', rate: 10, duration: 250 },
]

describe('Schedule', () => {
  it('is due every 1/rate, afresh in each phase', () => {
    assert.deepEqual(
      all(new Schedule(STEPS)).map(({ due, phase }) => `${phase}:${due}`),
      ['0:0', '0:250', '0:500', '0:750', '2:1500', '2:1600', '2:1700'],
    )
  })

  it('does not drift: the last of a million is due when it should be', () => {
    const arrivals = all(new Schedule([{ name: 'long', rate: 3000, duration: 333_000 }]))
    assert.equal(arrivals.length, 999_000)
    assert.equal(arrivals.at(-1)?.due, (998_999 * 1000) / 3000)
  })

  it('given chance, is a Poisson process of the rate of each phase', () => {
    const phases = [
      { name: 'slow', rate: 100, duration: 100_000 },
      { name: 'fast', rate: 1000, duration: 100_000 },
    ]
    const arrivals = all(new Schedule(phases, seeded(7)))
    const slow = arrivals.filter(({ phase }) => phase === 0)
    const fast = arrivals.filter(({ phase }) => phase === 1)
    assert.ok(Math.abs(slow.length - 10_000) < 400, `${slow.length}`)
    assert.ok(Math.abs(fast.length - 100_000) < 1300, `${fast.length}`)
    assert.ok(slow.every(({ due }) => due < 100_000) && fast.every(({ due }) => due >= 100_000 && due < 200_000))
    // Gaps of a Poisson process vary as much as they are long; evenly spaced ones not at all.
    const gaps = fast.slice(1).map(({ due }, index) => due - fast[index]!.due)
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length
    const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length
    assert.ok(Math.abs(Math.sqrt(variance) / mean - 1) < 0.05)
  })

  it('refuses a rate and a duration that make no sense', () => {
    assert.throws(() => new Schedule([{ name: 'bad', rate: -1, duration: 10 }]), /phase bad: rate .* not -1/)
    assert.throws(() => new Schedule([{ name: 'bad', rate: Number.NaN, duration: 10 }]), RangeError)
    assert.throws(() => new Schedule([{ name: 'bad', rate: 1, duration: 0 }]), /phase bad: duration .* not 0/)
  })
})
