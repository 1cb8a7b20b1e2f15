const ANY = 1000
const FOREVER = 1e9
const WARM_UP = 10
const RECENT = 5
const BASELINE = 10
const MEDIAN_OF = 5
const CORRELATED = 50
const MOST_TIMES_INFLIGHT = 5
const SHORTEST = 1000
const LONGEST = 30_000
const SAMPLES = 50

/**
 * failsafe-go's adaptive limiter, with its defaults.
 *
 * `recent` is the 90th percentile of a window, through a median of five and an average of five windows; `baseline` is an
 * average of ten `recent`s. `queue = ⌈limit × (1 − baseline ÷ recent)⌉`: above `6 log₁₀ limit` the limit goes down by
 * `log₁₀ limit`, below `3 log₁₀ limit` up by it. While full it also goes down when, over fifty windows, throughput does
 * not go with what is in flight, or latency does.
 *
 * Different here: windows are cohorts; full means that the limit bound for at least half of the window, for no window
 * knows the instant in which it ends.
 */
export function failsafe(options = {}) {
  const { min = 1, max = 200, initial = 20 } = options
  const start = {
    limit: initial,
    latest: [],
    recent: { value: 0, count: 0 },
    baseline: { value: 0, count: 0 },
    seen: [],
  }
  const decide = (state, limit, reason, minRtt = 0) => {
    const atLeast = Math.min(LONGEST, Math.max(SHORTEST, 2 * minRtt))
    return {
      state: { ...state, limit },
      limit,
      reason,
      until: { samples: SAMPLES, error: ANY, atLeast, atMost: FOREVER },
    }
  }
  return {
    name: 'failsafe',
    init: () => decide(start, initial, 'initial'),
    step: (state, { rtt, peakInflight, bound }) => {
      if (rtt.count === 0) return decide(state, state.limit, 'no samples')
      const latest = [...state.latest, rtt.p90].slice(-MEDIAN_OF)
      const recent = average(state.recent, latest.length < MEDIAN_OF ? rtt.p90 : median(latest), RECENT)
      const baseline = average(state.baseline, recent.value, BASELINE)
      const throughput = peakInflight / recent.value
      const seen = [...state.seen, [peakInflight, throughput, recent.value]].slice(-CORRELATED)
      const next = { ...state, latest, recent, baseline, seen }

      const unit = Math.max(1, Math.floor(Math.log10(state.limit)))
      const queue = Math.ceil(state.limit * (1 - baseline.value / recent.value))
      const [way, reason] = direction(queue, unit, bound >= 0.5, seen)
      const wanted = state.limit + way * unit
      const tooHigh = wanted > MOST_TIMES_INFLIGHT * peakInflight
      const limit = tooHigh ? state.limit - unit : wanted
      return decide(next, Math.min(max, Math.max(min, limit)), tooHigh ? 'far above use' : reason, rtt.min)
    },
  }
}

/** -1 for down, 1 for up, and why. */
function direction(queue, unit, full, seen) {
  if (queue > 6 * unit) return [-1, 'queueing']
  if (full) {
    const throughput = correlation(seen, 1)
    const latency = correlation(seen, 2)
    if (throughput.r < 0) return [-1, 'throughput falls']
    if (throughput.r < 0.3 && latency.r > 0.5) return [-1, 'latency follows']
    if (throughput.cv < 0.2 && latency.r > 0.5) return [-1, 'throughput stands']
  }
  return queue < 3 * unit ? [1, 'short queue'] : [0, 'at the knee']
}

/** A plain mean while it warms up, an exponential one afterwards. */
function average({ value, count }, next, age) {
  const warm = count < WARM_UP
  const share = warm ? 1 / (count + 1) : 2 / (age + 1)
  return { value: value + share * (next - value), count: warm ? count + 1 : count }
}

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1]
}

/** What is in flight against one column of what was seen: 0 where too little was seen or nothing varies. */
function correlation(seen, column) {
  const size = seen.length
  if (size < WARM_UP) return { r: 0, cv: 0 }
  const x = spread(seen.map((row) => row[0]))
  const y = spread(seen.map((row) => row[column]))
  if (x.cv < 0.01 || y.cv < 0.01) return { r: 0, cv: y.cv }
  const product = seen.reduce((sum, row) => sum + row[0] * row[column], 0) / size
  return { r: (product - x.mean * y.mean) / (x.deviation * y.deviation), cv: y.cv }
}

function spread(values) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length)
  return { mean, deviation, cv: mean === 0 ? 0 : deviation / mean }
}
