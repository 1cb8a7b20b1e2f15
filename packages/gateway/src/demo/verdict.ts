import type { Millis } from 'sluice'
import type { Counts, LoadReport, PhaseReport } from '../load/index.ts'
import { SETTLING, type Plan } from './plan.ts'

/** One line of the verdict. */
export interface Check {
  readonly name: string
  readonly passed: boolean
  /** What was measured, and what was asked for. */
  readonly detail: string
}

/** What the demo promises. */
const PROMISES = {
  /** Goodput at 3x, as a share of capacity. */
  goodput: 0.9,
  /** 99th percentile of what is let in at 3x, in ms: the bound of goodput. */
  admittedP99: 500,
  /** 99th percentile of refusals at 3x, in ms. */
  refusedP99: 300,
  /** Share refused before the spike. */
  needless: 0.01,
  /** Share good before the spike. */
  healthy: 0.95,
  /** Goodput after the spike, as a share of what is offered … */
  recovered: 0.95,
  /** … after this long, in ms. */
  recovery: 5000 as Millis,
  /** Without a gate, goodput at 3x stays below this share of capacity. */
  collapse: 0.5,
  /** And was at least this share of what was offered before the spike: it is the spike that fails it. */
  soundBefore: 0.9,
} as const

/** Judges a run by the requests the clients sent, not by what the gateway says of itself. */
export function judge(plan: Plan, withGate: LoadReport, withoutGate: LoadReport): readonly Check[] {
  const warming = phaseOf(withGate, 'warm-up')
  const before = phaseOf(withGate, 'before')
  const onset = phaseOf(withGate, 'onset')
  const spike = phaseOf(withGate, 'spike')
  const after = phaseOf(withGate, 'after')
  return [
    healthy(before),
    goodput(plan, spike),
    admitted(spike),
    explained([warming, before, onset, spike, after]),
    quick(spike),
    recovery(after),
    collapse(plan, phaseOf(withoutGate, 'before'), phaseOf(withoutGate, 'spike')),
  ]
}

function healthy({ rejected, good, offered }: PhaseReport): Check {
  const share = part(rejected, offered)
  const served = part(good, offered)
  return {
    name: 'healthy load is let in',
    passed: share <= PROMISES.needless && served >= PROMISES.healthy,
    detail:
      `${percent(share)} refused, ${percent(served)} good at 0.8x ` +
      `(at most ${percent(PROMISES.needless)}, at least ${percent(PROMISES.healthy)})`,
  }
}

function goodput(plan: Plan, spike: PhaseReport): Check {
  const rate = perSecond(spike.good, spike)
  const share = part(rate, plan.capacity)
  const leftOut = `first ${SETTLING / 1000} s left out`
  return {
    name: 'goodput held',
    passed: share >= PROMISES.goodput,
    detail: `${whole(rate)}/s good of ${whole(plan.capacity)}/s capacity = ${percent(share)} at 3x, ${leftOut} (at least ${percent(PROMISES.goodput)})`,
  }
}

function admitted({ admitted: { count, p50, p99 } }: PhaseReport): Check {
  return {
    name: 'p99 of admitted',
    passed: count > 0 && p99 <= PROMISES.admittedP99,
    detail: `${count === 0 ? 'nobody was let in' : `${whole(p99)} ms`} at 3x${median(count, p50)} (at most ${PROMISES.admittedP99} ms)`,
  }
}

function explained(phases: readonly PhaseReport[]): Check {
  const rejected = sum(phases, 'rejected')
  const unexplained = sum(phases, 'unexplained')
  const broken = sum(phases, 'failed') + sum(phases, 'errors')
  const others = phases.reduce((total, { statuses }) => total + (statuses['429'] ?? 0), 0)
  const reasons = new Set(phases.flatMap(({ reasons }) => Object.keys(reasons)))
  return {
    name: 'refusals are honest',
    passed: rejected > 0 && unexplained === 0 && others === 0 && broken === 0,
    detail:
      `${rejected} refused, ${rejected - unexplained} of them with Retry-After and a code` +
      `${reasons.size > 0 ? ` (${[...reasons].sort().join(', ')})` : ''}; ${others} not 503, ${broken} other failures`,
  }
}

function quick({ refused: { count, p50, p99 } }: PhaseReport): Check {
  return {
    name: 'refusals are quick',
    passed: count > 0 && p99 <= PROMISES.refusedP99,
    detail: `${count === 0 ? 'nobody was refused' : `p99 ${whole(p99)} ms`} at 3x${median(count, p50)} (at most ${PROMISES.refusedP99} ms)`,
  }
}

function median(count: number, p50: Millis): string {
  return count === 0 ? '' : `, median ${whole(p50)} ms`
}

function recovery(after: PhaseReport): Check {
  // A second that was cut short says little.
  const seconds = after.seconds.slice(0, Math.floor(after.duration / 1000))
  const back = seconds.findIndex((second, index) => holds(second) && holds(total(seconds.slice(index))))
  const passed = back >= 0 && back * 1000 <= PROMISES.recovery
  const asked = `at least ${percent(PROMISES.recovered)} of what is offered within ${PROMISES.recovery / 1000} s`
  if (back < 0) return { name: 'recovery', passed, detail: `none in ${seconds.length} s (${asked})` }
  const { good, offered } = total(seconds.slice(back))
  return {
    name: 'recovery',
    passed,
    detail: `${back === 0 ? 'in the first second' : `after ${back} s`}, ${percent(part(good, offered))} good from then on (${asked})`,
  }
}

function collapse(plan: Plan, before: PhaseReport, spike: PhaseReport): Check {
  const sound = part(before.good, before.offered)
  const rate = perSecond(spike.good, spike)
  return {
    name: 'without a gate it fails',
    passed: sound >= PROMISES.soundBefore && rate < PROMISES.collapse * plan.capacity,
    detail: `${whole(rate)}/s good at 3x, ${percent(sound)} of the load good before (below ${percent(PROMISES.collapse)} of capacity shows the control arm works)`,
  }
}

function phaseOf(report: LoadReport, name: string): PhaseReport {
  const found = report.phases.find((phase) => phase.name === name)
  if (found === undefined) throw new Error(`no phase ${name} in the report`)
  return found
}

function holds({ good, offered }: Pick<Counts, 'good' | 'offered'>): boolean {
  return offered > 0 && good >= PROMISES.recovered * offered
}

function total(seconds: readonly Readonly<Counts>[]): { good: number; offered: number } {
  return { good: sum(seconds, 'good'), offered: sum(seconds, 'offered') }
}

function sum(counts: readonly Readonly<Counts>[], kind: keyof Counts): number {
  return counts.reduce((total, each) => total + each[kind], 0)
}

function perSecond(amount: number, { duration }: PhaseReport): number {
  return (amount / duration) * 1000
}

function part(amount: number, whole: number): number {
  return whole === 0 ? 0 : amount / whole
}

function percent(share: number): string {
  return `${Math.round(share * 1000) / 10} %`
}

function whole(value: number): string {
  return String(Math.round(value))
}
