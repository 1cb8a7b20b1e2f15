import { chance } from './chance.mjs'

/** More spread than any service has: the meter then takes exactly as many samples as are asked for. */
const ANY = 1000
const FOREVER = 1e9
const HUNG_AT_MIN = 5

/**
 * Envoy's gradient controller (`adaptive_concurrency` filter, v3 API), with the update interval (0.1 s) and minRTT
 * interval (60 s) of the example in its documentation; both have to be given there.
 *
 * Each 0.1 s: `gradient = clamp(1.25 × minRTT ÷ p50, 0.5, 2)`, `limit = gradient × limit + √(gradient × limit)`. minRTT is
 * the median of 50 samples while the limit is pinned to the minimum: at the start, every 60 to 69 s, and after five
 * updates in a row at the minimum.
 *
 * Different here: a window is a cohort, so that an update comes one time in service later than Envoy's, and its samples
 * are those let in during the 0.1 s, not those that ended in it. There is no guard for an idle service: that is Envoy's.
 */
export function envoy(options = {}) {
  const { min = 3, max = 1000, samples = 50, every = 100, probeEvery = 60_000, jitter = 0.15, buffer = 0.25 } = options
  const updating = { samples: 1, error: ANY, atLeast: every, atMost: every }
  const probing = { samples, error: ANY, atLeast: 0, atMost: FOREVER }

  const probe = (state, reason) => ({
    state: { ...state, resume: state.limit, limit: min, atMin: 0 },
    limit: min,
    reason,
    until: probing,
  })

  const update = (state, limit, reason) => {
    const atMin = limit === min && state.limit === min ? state.atMin + 1 : 0
    const next = { ...state, limit, atMin }
    return atMin >= HUNG_AT_MIN ? probe(next, 'hung at min') : { state: next, limit, reason, until: updating }
  }

  return {
    name: 'envoy',
    init: () => probe({ limit: min, minRtt: null, probeAt: 0, probes: 0, resume: null, atMin: 0 }, 'initial'),
    step: (state, { end, rtt }) => {
      if (state.resume !== null) {
        const probeAt = end + probeEvery * (1 + jitter * chance(state.probes))
        // Its histogram was empty: Envoy keeps what it had.
        const minRtt = rtt.count === 0 ? state.minRtt : rtt.p50
        const next = { ...state, limit: state.resume, resume: null, minRtt, probeAt, probes: state.probes + 1 }
        return { state: next, limit: next.limit, reason: 'probed', until: updating }
      }
      if (end >= state.probeAt) return probe(state, 'probe')
      if (rtt.count === 0) return update(state, state.limit, 'no samples')
      if (state.minRtt === null) return probe(state, 'probe')
      const gradient = Math.min(2, Math.max(0.5, (state.minRtt * (1 + buffer)) / rtt.p50))
      const grown = gradient * state.limit
      const limit = Math.max(min, Math.min(max, Math.floor(grown + Math.sqrt(grown))))
      return update(state, limit, gradient < 1 ? 'queueing' : 'headroom')
    },
  }
}
