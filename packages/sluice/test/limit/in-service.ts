import { limiter, type Gate, type LimitAlgorithm, type Millis } from '../../src/index.ts'
import type { VirtualClock } from '../../src/sim/index.ts'
import { constant, run, spread, type Phase } from '../sim/rig.ts'

/** How a limiter does under load. */
export interface Found {
  /** The limit, on average over time: at any one instant an algorithm may be looking at another. */
  readonly limit: number
  /** Answered within 500 ms, per second. */
  readonly goodput: number
}

/** Half a minute at half of what the service can do, then a minute at twice that: what is found in its second half. */
export function overload(slots: number, algorithm: LimitAlgorithm, seed: number): Found {
  const capacity = slots * 20
  const phases: Phase[] = [
    { seconds: 30, rate: capacity / 2 },
    { seconds: 30, rate: capacity * 2 },
    { seconds: 30, rate: capacity * 2 },
  ]
  const limits: number[] = []
  const watched = (clock: VirtualClock): Gate => {
    const gate = limiter({ clock, limit: algorithm })
    const look = (): void => {
      limits.push(gate.stats.limit)
      clock.after(10, look)
    }
    clock.after(60_000, look)
    return gate
  }
  const { goodput } = run({ slots, service: spread(50), phases, seed, gate: watched })[2]!
  return { goodput, limit: limits.reduce((sum, limit) => sum + limit, 0) / limits.length }
}

/** Within a factor of what the service can do at once, and the service is kept busy with what is still wanted. */
export function isSensible({ limit, goodput }: Found, slots: number): boolean {
  return limit >= 0.8 * slots && limit <= 3 * slots && goodput >= 0.9 * slots * 20
}

/** The limit after ten minutes in which a tenth of what the service could do is asked of it. */
export function afterIdling(limit: LimitAlgorithm): number {
  return run({
    slots: 100,
    service: constant(10),
    phases: [{ seconds: 600, rate: 100 }],
    gate: (clock): Gate => limiter({ clock, limit }),
  })[0]!.limit
}

/** Once and for all everything takes three times as long: the share of the capacity that is used `seconds` later. */
export function afterSlowingDown(limit: LimitAlgorithm, seconds: number): number {
  let mean: Millis = 20
  const results = run({
    slots: 20,
    service: () => (): Millis => mean,
    gate: (clock): Gate => limiter({ clock, limit }),
    phases: [
      { seconds: 20, rate: 800 },
      { seconds, rate: 600, change: () => void (mean = 60) },
      { seconds: 20, rate: 600 },
    ],
  })
  return results[2]!.goodput / (20_000 / 60)
}
