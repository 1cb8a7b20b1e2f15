import type { Millis } from 'sluice'
import type { Check } from '../demo/verdict.ts'
import type { Scenario, ScenarioName } from './scenario.ts'
import type { Figures, Tape } from './tape.ts'

/** What requirement S3.11 asks. Shares of all answers; times in ms. */
const ASKED = {
  normalWait: 10,
  normalP95: 100,
  thresholdShare: 0.05,
  thresholdWait: [100, 500],
  overloadShare: [0.3, 0.5],
  /** What is let in takes no longer than on a normal day, once it is in. */
  overloadWork: 100,
  /** After a spike, the last long wait is over within this. */
  workedOff: 3000,
} as const

/** A wait that counts as one: from here on answers carry `x-queue-wait-time`. */
const LONG_WAIT: Millis = 100

/** What a run of a scenario came to. */
export interface Run {
  readonly scenario: Scenario
  readonly tape: Tape
  /** What died, if anything. */
  readonly crashed: string | undefined
}

/** Judges a run by S3.11: by what its users got, and, for the mean wait, by the gate's own books where they can be read. */
export function judge({ scenario, tape, crashed }: Run): readonly Check[] {
  const figures = tape.figures(scenario.judged)
  const all = tape.figures({ from: 0, to: scenario.duration })
  const checks: Readonly<Record<ScenarioName, () => readonly Check[]>> = {
    normal: () => [refusesNobody(figures), waitsBelow(figures), quick(figures)],
    threshold: () => [refusesFew(figures), waitsBetween(figures)],
    overload: () => [refusesTheRest(figures), honest(figures), answersNormally(figures)],
    spike: () => [rises(scenario, tape), worksOff(scenario, tape), recovers(scenario, tape)],
  }
  return [...checks[scenario.name](), sound(all, crashed)]
}

function refusesNobody({ rejected, total, share }: Figures): Check {
  return {
    name: 'nobody is refused',
    passed: total > 0 && rejected === 0,
    detail: `${rejected} of ${total} refused, ${percent(share)} (asked: 0 %)`,
  }
}

function waitsBelow({ wait, waitBy, served }: Figures): Check {
  return {
    name: 'hardly any wait',
    passed: served > 0 && wait.mean < ASKED.normalWait,
    detail: `${ms(wait.mean)} on average by the ${waitBy} (asked: below ${ASKED.normalWait} ms)`,
  }
}

function quick({ latency, served }: Figures): Check {
  return {
    name: 'answers are quick',
    passed: served > 0 && latency.p95 < ASKED.normalP95,
    detail: `p95 ${ms(latency.p95)}, median ${ms(latency.p50)} (asked: p95 below ${ASKED.normalP95} ms)`,
  }
}

function refusesFew({ rejected, total, share }: Figures): Check {
  return {
    name: 'few are refused',
    passed: total > 0 && share < ASKED.thresholdShare,
    detail: `${rejected} of ${total} refused, ${percent(share)} (asked: below ${percent(ASKED.thresholdShare)})`,
  }
}

function waitsBetween({ wait, waitBy }: Figures): Check {
  const [least, most] = ASKED.thresholdWait
  return {
    name: 'waits are felt, and bounded',
    passed: wait.mean >= least && wait.mean <= most && wait.p95 <= most,
    detail: `${ms(wait.mean)} on average by the ${waitBy}, p95 ${ms(wait.p95)} (asked: ${least} to ${most} ms)`,
  }
}

function refusesTheRest({ rejected, total, share }: Figures): Check {
  const [least, most] = ASKED.overloadShare
  return {
    name: 'what is too much is refused',
    passed: share >= least && share <= most,
    detail: `${rejected} of ${total} refused, ${percent(share)} (asked: ${percent(least)} to ${percent(most)})`,
  }
}

function honest({ rejected, unexplained, reasons }: Figures): Check {
  return {
    name: 'refusals say why',
    passed: rejected > 0 && unexplained === 0,
    detail: `${rejected - unexplained} of ${rejected} with Retry-After and a code${listed(reasons)} (asked: all)`,
  }
}

function answersNormally({ served, work, latency, wait }: Figures): Check {
  return {
    name: 'who is let in is answered normally',
    passed: served > 0 && work.p95 < ASKED.overloadWork,
    detail:
      `p95 ${ms(work.p95)} once let in, ${ms(latency.p95)} with the wait (p95 ${ms(wait.p95)}) ` +
      `(asked: below ${ASKED.overloadWork} ms once let in)`,
  }
}

function sound({ failed, errors, timeouts, served, reasons, latency }: Figures, crashed: string | undefined): Check {
  const broken = failed + errors + timeouts
  // Refusals are no breakage; their codes are in capitals.
  const said = reasons.filter(([reason]) => !/^[A-Z]+_[A-Z_]+$/.test(reason))
  return {
    name: 'nothing breaks',
    passed: crashed === undefined && served > 0 && broken === 0,
    detail:
      crashed ??
      `${served} served, the longest in ${seconds(latency.max)}; ${failed} failed, ${errors} connections broken, ` +
        `${timeouts} gave up${broken > 0 ? listed(said) : ''} (asked: none)`,
  }
}

function rises({ rise, judged }: Scenario, tape: Tape): Check {
  const before = tape.figures(rise!).share
  const { share } = tape.figures(judged)
  return {
    name: 'refusals rise with the crowd',
    passed: share > before && share >= ASKED.overloadShare[0],
    detail: `${percent(before)} refused as it begins, ${percent(share)} at the top (asked: rising, at least ${percent(ASKED.overloadShare[0])})`,
  }
}

function worksOff({ judged: { to: fall } }: Scenario, tape: Tape): Check {
  let last = fall
  for (const fate of tape.fates) {
    const felt = fate.kind === 'timeout' || (fate.kind === 'served' && tape.waitOf(fate) > LONG_WAIT)
    if (felt && fate.at > last) last = fate.at
  }
  const took = last - fall
  return {
    name: 'the queue is worked off',
    passed: took <= ASKED.workedOff,
    detail: `last wait over ${LONG_WAIT} ms ended ${seconds(took)} after the crowd left (asked: within ${seconds(ASKED.workedOff)})`,
  }
}

function recovers({ calm }: Scenario, tape: Tape): Check {
  const { share, latency, served, timeouts } = tape.figures(calm!)
  return {
    name: 'it recovers by itself',
    passed: served > 0 && share === 0 && timeouts === 0 && latency.p95 < ASKED.normalP95,
    detail: `then ${percent(share)} refused, p95 ${ms(latency.p95)} (asked: as normal, 0 %, below ${ASKED.normalP95} ms)`,
  }
}

function listed(reasons: Figures['reasons']): string {
  return reasons.length === 0 ? '' : `: ${reasons.map(([reason, count]) => `${count} ${reason}`).join(', ')}`
}

function percent(share: number): string {
  return `${Math.round(share * 1000) / 10} %`
}

function ms(time: Millis): string {
  return `${time < 10 ? time.toFixed(1) : Math.round(time)} ms`
}

function seconds(time: Millis): string {
  return `${(time / 1000).toFixed(1)} s`
}
