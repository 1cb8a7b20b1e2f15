import type { Instant, Millis } from 'sluice'
import { gateOf, simulate, type Scenario, type SimReport, type SimWorld } from 'sluice/sim'
import { limitOf, withLimit } from './limit-choice.ts'
import type { ReplaySummary } from './replay.ts'

/** What came of one limit. */
export interface Run {
  /** As `--limit` names it. */
  readonly limit: string
  readonly report: SimReport
}

/** The same arrivals before each of several limits. */
export interface Comparison {
  readonly scenario: Scenario
  readonly seed: number
  /** Where the arrivals come from, unless the scenario makes them. */
  readonly replay?: ReplaySummary
  readonly runs: readonly Run[]
}

/** How far a run is. */
export interface Progress {
  readonly limit: string
  /** Which of how many, from 1. */
  readonly run: number
  readonly of: number
  /** 0 to 1. */
  readonly share: number
}

export interface CompareOptions {
  /** None: that of the scenario. */
  readonly limits: readonly string[]
  /** Default: that of the scenario, else 1. */
  readonly seed?: number
  readonly replay?: ReplaySummary
  readonly onProgress?: (progress: Progress) => void
}

/** How often a run says how far it is. */
const STEPS = 100

/** Runs a scenario once for each limit. @throws RangeError as `simulate` does */
export function compare(scenario: Scenario, options: CompareOptions): Comparison {
  const { seed = scenario.seed ?? 1, replay, onProgress } = options
  const limits = options.limits.length === 0 ? [limitOf(scenario)] : [...new Set(options.limits)]
  const runs = limits.map((limit, index): Run => {
    const say = (share: number): void => onProgress?.({ limit, run: index + 1, of: limits.length, share })
    say(0)
    return { limit, report: watched(withLimit(scenario, limit), seed, onProgress && say) }
  })
  return { scenario, seed, ...(replay && { replay }), runs }
}

/** A run is one call and answers when it has ended: only its own clock can say how far it is. */
function watched(scenario: Scenario, seed: number, say: ((share: number) => void) | undefined): SimReport {
  if (say === undefined) return simulate(scenario, { seed })
  const { load, duration = load.phases.reduce((sum, { lasts }) => sum + lasts, 0) } = scenario
  const step: Millis = duration / STEPS
  let ticks = 0
  const watch = ({ clock, site }: SimWorld): void => {
    if (site.tier !== 0 || site.index !== 0) return
    const start: Instant = clock.now()
    const tick = (): void => {
      ticks++
      say(Math.min(1, (clock.now() - start) / duration))
      clock.after(step, tick)
    }
    clock.after(step, tick)
  }
  const report = simulate(scenario, {
    seed,
    gate: (world) => {
      watch(world)
      return gateOf(scenario.gate ?? {}, world)
    },
  })
  // Whoever watches should not change what is seen.
  return { ...report, events: report.events - ticks }
}
