import type { Comparison } from './comparison.ts'
import { amount, percent, time } from './wording.ts'

/** What was done, in a sentence or two. */
export function opening({ scenario, seed, runs, replay }: Comparison): readonly string[] {
  const report = runs[0]!.report
  const capacity =
    report.capacity === null ? 'nothing bounds the plant' : `the plant can do ${amount(report.capacity)}/s`
  const lines = [
    `${scenario.name}: ${time(report.duration)} of virtual time, seed ${seed}; ${capacity}; an answer within ${time(report.bound)} is good`,
  ]
  if (replay === undefined) return lines
  const { arrivals, bad, firstBad, more, span, speed, spread, durations, tenants } = replay
  const parts = [
    `${amount(arrivals)} arrivals of ${time(span)}${speed === 1 ? '' : ` at ${speed} times the speed`}`,
    ...(tenants === 0 ? [] : [`${amount(tenants)} tenants`]),
    durations === null ? 'no durations' : `${amount(durations.count)} durations of ${time(durations.mean)} on average`,
    ...(spread ? ['whole seconds only, so that arrivals are spread over theirs by chance'] : []),
  ]
  lines.push(`replayed: ${parts.join(', ')}`)
  if (firstBad !== null)
    lines.push(
      `NOTE  ${amount(bad)} of ${amount(bad + arrivals)} lines left out; the first is line ${firstBad.line}: ${firstBad.why}`,
    )
  if (more) lines.push(`NOTE  there is more of the log: only the first ${amount(arrivals)} arrivals were read`)
  return lines
}

/** What came of it, in a sentence. */
export function verdict({ runs }: Comparison): string {
  if (runs.length > 1) {
    const ranked = [...runs].sort((one, other) => other.report.total.goodput - one.report.total.goodput)
    return `most good answers: ${ranked.map(({ limit, report }) => `${limit} ${amount(report.total.goodput)}/s`).join(', ')}`
  }
  const { limit, report } = runs[0]!
  const { good, offered, refused, share, latency } = report.total
  const kept = share === null ? '' : `, ${percent(share)} of what the healthy plant can do`
  return `${limit}: of ${amount(offered)} requests ${amount(good)} were answered in time${kept}; ${percent(refused / Math.max(1, offered))} refused; p99 ${time(latency.p99)}`
}
