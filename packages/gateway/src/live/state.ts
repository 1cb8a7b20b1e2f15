import type { Figures, Snapshot, StateWord, UpstreamView } from './snapshot.ts'

/** Where a gateway is in its life. */
export type Phase = 'starting' | 'ready' | 'draining'

export type StateParts = Pick<Snapshot, 'dryRun' | 'orders' | 'now' | 'fleet' | 'upstreams' | 'degradation'> & {
  readonly phase: Phase
}

/** The state in a word, and why: what is the matter, and what comes of it. */
export function stateOf(parts: StateParts): readonly [StateWord, string] {
  const { phase, now } = parts
  if (phase === 'starting') return ['starting', 'It is not listening yet.']
  if (phase === 'draining') return ['draining', 'It ends: what has come is served, nothing new is taken.']
  const [state, because] = causeOf(parts)
  return [state, `${because}${isRefusing(now) && !NAMED.has(state) ? `; ${refusals(parts)}` : ''}.`]
}

/** States whose sentence speaks of refusals anyway. */
const NAMED: ReadonlySet<StateWord> = new Set(['paused', 'dry-run', 'shedding'])

function causeOf(parts: StateParts): readonly [StateWord, string] {
  const { dryRun, orders, now, fleet, upstreams, degradation } = parts
  const failing = failureOf(upstreams, now)
  if (failing !== undefined) return ['upstream-failing', failing]
  if (orders.some(({ kind }) => kind === 'pause')) return ['paused', `Nobody is refused, by order: ${refusals(parts)}`]
  if (dryRun) return ['dry-run', `On trial: ${refusals(parts)}`]
  const gone = fleet.find(({ up }) => !up)
  if (gone !== undefined) return ['store-degraded', `Redis does not answer; ${gone.limit} goes by ${gone.policy}`]
  if (isRefusing(now)) {
    const forced = orders.flatMap((order) => (order.kind === 'limit' ? `${order.limit} is forced to ${order.to}` : []))
    return ['shedding', [refusals(parts), ...forced].join('; ')]
  }
  if (degradation.length > 0) return ['shedding', `Under pressure: ${degradation.join(' and ')}`]
  if (now.queued > 0) return ['queueing', `${now.queued} wait for one of ${now.limit} slots`]
  return ['ok', 'Everybody who comes is let in']
}

/** What is wrong behind the gateway. */
function failureOf(upstreams: readonly UpstreamView[], now: Figures): string | undefined {
  const sick = upstreams.find(({ healthy }) => !healthy)
  if (sick !== undefined) {
    const all = upstreams.filter(({ upstream }) => upstream === sick.upstream)
    const well = all.filter(({ healthy }) => healthy).length
    // Where none is well all are asked.
    if (all.length === 1) return `${sick.server} is ill, and asked all the same, being the only one: ${sick.because}`
    if (well === 0)
      return `All ${all.length} servers of ${sick.upstream} are ill, and asked all the same: ${sick.because}`
    return `${sick.server} is taken out: ${sick.because}; ${well} of ${all.length} servers of ${sick.upstream} are well`
  }
  const open = upstreams.find(({ breaker }) => breaker === 'open')
  if (open !== undefined) return `The breaker before ${open.upstream} is open`
  if (now.ended < 1 || now.good >= now.ended / 2) return undefined
  const well = Math.round((100 * now.good) / now.ended)
  return `Of what ended in the last ${lately(now)}, ${well} % ended well: the rest failed, or its client had left`
}

function isRefusing({ shedPercent }: Figures): boolean {
  return shedPercent >= 1
}

function refusals({ dryRun, now }: StateParts): string {
  const share = `${Math.round(now.shedPercent)} %`
  return `${share} ${dryRun ? 'would have been' : 'were'} refused in the last ${lately(now)}`
}

function lately({ over }: Figures): string {
  return `${Math.round(over / 1000)} s`
}
