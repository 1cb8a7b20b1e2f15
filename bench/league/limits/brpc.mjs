import { chance } from './chance.mjs'

const ANY = 1000
const WINDOW = { samples: 200, error: ANY, atLeast: 0, atMost: 1000 }
const FEWEST = 100
const EMA = 0.1
const STEP = 0.02
const MOST_EXPLORED = 0.3
const LEAST_EXPLORED = 0.06
const REDUCED = 0.9
const REMEASURE = 50_000

/**
 * brpc's `auto` limiter as its code ships (`auto_concurrency_limiter.cpp`; its documentation has an older formula):
 * `limit = minLatency × maxQps × (1 + explore)`, where explore goes from 0.06 to 0.3 by 0.02 a window, up while latency
 * is within 6 % of the minimum or throughput below 1/1.06 of the maximum.
 *
 * A window is 200 samples, or a second if it has at least 100. Every 25 to 50 s the limit goes to 0.9 of minLatency ×
 * maxQps for two mean latencies, and the minimum is measured anew.
 *
 * Different here: windows are cohorts; what was lost counts as if it had taken the mean time; `min` is brpc's number of
 * worker threads, 9 by default.
 */
export function brpc(options = {}) {
  const { min = 9, max = 1000, initial = 40 } = options
  const decide = (state, wanted, reason, until = WINDOW) => {
    const limit = Math.min(max, Math.max(min, Math.floor(wanted)))
    return { state: { ...state, limit }, limit, reason, until }
  }
  const nextLook = (now, looks) => now + REMEASURE * (0.5 + 0.5 * chance(looks))

  const start = {
    limit: initial,
    minLatency: null,
    maxQps: 0,
    explore: MOST_EXPLORED,
    lookAt: null,
    looks: 0,
    emptying: false,
  }
  return {
    name: 'brpc',
    init: () => decide(start, initial, 'initial'),
    step: (last, window) => {
      const { start: began, end, completed, dropped, rtt } = window
      const state = last.lookAt === null ? { ...last, lookAt: nextLook(began, 0) } : last
      if (state.emptying) {
        const looks = state.looks + 1
        const fresh = { ...state, emptying: false, minLatency: null, looks, lookAt: nextLook(end, looks) }
        return decide(fresh, state.limit, 'emptied')
      }
      if (rtt.count + dropped < FEWEST) return decide(state, state.limit, 'too few')
      if (rtt.count === 0) return decide(state, state.limit / 2, 'drops')
      const latency = (rtt.mean * (rtt.count + dropped)) / rtt.count
      const qps = completed / Math.max(1, end - began)
      const minLatency = lower(state.minLatency, latency)
      const maxQps = qps >= state.maxQps ? qps : state.maxQps + (EMA / 10) * (qps - state.maxQps)
      const seen = { ...state, minLatency, maxQps }
      const needed = minLatency * maxQps
      if (end >= state.lookAt) {
        const drained = { samples: 1, error: ANY, atLeast: 2 * latency, atMost: Math.max(1000, 2 * latency) }
        return decide({ ...seen, emptying: true }, Math.ceil(REDUCED * needed), 'remeasure', drained)
      }
      const calm = latency <= minLatency * (1 + LEAST_EXPLORED) || qps <= maxQps / (1 + LEAST_EXPLORED)
      const explore = calm
        ? Math.min(MOST_EXPLORED, state.explore + STEP)
        : Math.max(LEAST_EXPLORED, state.explore - STEP)
      return decide({ ...seen, explore }, needed * (1 + explore), calm ? 'calm' : 'busy')
    },
  }
}

function lower(minLatency, latency) {
  if (minLatency === null) return latency
  return latency < minLatency ? minLatency + EMA * (latency - minLatency) : minLatency
}
