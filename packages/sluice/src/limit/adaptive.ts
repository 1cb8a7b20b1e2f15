import { checkNumber } from '../ground/index.ts'
import type { LimitAlgorithm, Step, Window, WindowEnd } from './limit.ts'

export interface AdaptiveOptions {
  /** The lowest limit. At least 1. Default 1. */
  readonly min?: number
  /** The highest limit: a guard for memory, not a tuning knob. At least `min`. Default 1000. */
  readonly max?: number
  /** The first limit, from `min` to `max`. Default 10, or whichever of `min` and `max` is nearest to it. */
  readonly initial?: number
}

/** What the algorithm remembers between windows. Plain data. */
export interface AdaptiveState {
  readonly limit: number
  /** Time in service without queueing, in ms; 0 while unknown. */
  readonly base: number
  /** True until the first congestion: the limit grows by half a window. */
  readonly seeking: boolean
  /** When to look below the queue again, on the windows' clock; at first: as soon as the limit binds. */
  readonly probeAt: number
  /** While a dip is under way: what was seen at the full limit. */
  readonly dip: { readonly limit: number; readonly mean: number } | null
  /** While decreases are under way: where they began. */
  readonly descent: { readonly limit: number; readonly mean: number } | null
}

// Every ratio below is dimensionless: nothing is tuned to a service time or a rate.

/** Slowdown above which work queues behind us. */
const CONGESTED = 1.5
/** Slowdown below which there is room to grow. */
const CALM = 1.3
/** Share of the time at which the limit counts as binding. */
const BINDING = 0.5
/** How often the limit dips to see the service time without queueing, in ms. */
const PROBE_EVERY = 5000
/** Latency that follows the limit this closely or more (1 = in proportion) is our own queueing … */
const FOLLOWS = 0.85
/** … and less than this is not ours: the dependency itself is slower. */
const INDIFFERENT = 0.25
/** A decrease is judged once it has gone this far. */
const JUDGED_AT = 0.7

const STEADY: WindowEnd = { atLeast: 50, atMost: 1000, samples: 20, error: 0.07 }
/** A dip costs goodput while it lasts, so it ends as soon as its mean means something. */
const DIP: WindowEnd = { atLeast: 10, atMost: 1000, samples: 20, error: 0.1 }

/**
 * The default: a gradient on *slowdown* (time in service over time in service without queueing) that verifies what it
 * assumes.
 *
 * - Slowdown `mean / base` above 1.5 narrows the limit towards `1.5 / slowdown`; below 1.3 it widens, by half until
 *   congestion is first seen and by `√limit / 2` afterwards; in between it holds.
 * - It moves only while the limit is what holds arrivals back; an idle service neither grows nor shrinks it.
 * - After a decrease it looks whether latency followed. If not, the dependency became slower and we are not the
 *   cause: the new latency becomes the base and the limit is given back.
 * - While binding, it dips to half the limit every 5 s for some twenty samples. If latency falls in proportion, the
 *   standing queue was ours and the limit keeps falling; where it stops following, that latency is the new base. This
 *   is what keeps the base honest under a load that never pauses, where a running minimum or average drifts.
 *
 * The ideas of slowdown and probing are Envoy's gradient controller's and Netflix's Gradient2's; verification is ours.
 * Known weak spots, measured for the league: very heavy-tailed service times, and one base for routes of very
 * different cost.
 * @throws RangeError for an option out of range
 */
export function adaptive(options: AdaptiveOptions = {}): LimitAlgorithm<AdaptiveState> {
  const min = checkNumber('adaptive.min', options.min ?? 1, 1)
  const max = checkNumber('adaptive.max', options.max ?? 1000, min)
  const initial = checkNumber('adaptive.initial', options.initial ?? Math.min(max, Math.max(min, 10)), min, max)

  const decide = (state: AdaptiveState, limit: number, reason: string, until: WindowEnd): Step<AdaptiveState> => {
    const clamped = Math.min(max, Math.max(min, limit))
    return { state: { ...state, limit: clamped }, limit: clamped, reason, until }
  }

  const start: AdaptiveState = { limit: initial, base: 0, seeking: true, probeAt: 0, dip: null, descent: null }
  return {
    name: 'adaptive',
    init: () => decide(start, initial, 'initial', STEADY),
    step: (state, window) => {
      if (overwhelmed(window))
        return decide({ ...state, dip: null, descent: null, seeking: false }, state.limit * 0.9, 'drops', STEADY)
      if (window.rtt.count === 0) return decide(state, state.limit, 'no samples', STEADY)
      if (state.dip !== null) return afterDip(state, state.dip, window, decide)
      if (window.bound < BINDING) return whileFree(state, window, decide)
      return whileBound(state, window, decide)
    },
  }
}

type Decide = (state: AdaptiveState, limit: number, reason: string, until: WindowEnd) => Step<AdaptiveState>

/** Several losses and at least one in ten: one stray error is no evidence. */
function overwhelmed({ dropped, completed }: Window): boolean {
  return dropped >= 2 && dropped >= 0.1 * (completed + dropped)
}

/** The limit holds nobody back: nothing to decide, but the truth about service time is there to be learned. */
function whileFree(state: AdaptiveState, window: Window, decide: Decide): Step<AdaptiveState> {
  const { mean } = window.rtt
  // Half empty, this is service without queueing of our making, whichever way it moves.
  const honest = window.meanInflight < state.limit / 2
  const base = state.base === 0 || mean < state.base || honest ? blend(state.base, mean, 0.25) : state.base
  return decide({ ...state, base, descent: null, probeAt: window.end + PROBE_EVERY }, state.limit, 'idle', STEADY)
}

function whileBound(state: AdaptiveState, window: Window, decide: Decide): Step<AdaptiveState> {
  const { mean, error } = window.rtt
  const { limit, descent } = state
  const base = state.base === 0 ? mean : mean < state.base ? blend(state.base, mean, 0.25) : state.base
  const next: AdaptiveState = { ...state, base }

  if (descent !== null && limit <= descent.limit * JUDGED_AT) {
    const follows = Math.log(mean / descent.mean) / Math.log(limit / descent.limit)
    if (follows < INDIFFERENT)
      return decide({ ...next, base: mean, descent: null, seeking: true }, descent.limit, 'dependency slower', STEADY)
  }

  const slowdown = mean / base
  if (slowdown * (1 - Math.min(1, error)) > CONGESTED) {
    const factor = Math.min(0.95, Math.max(0.5, CONGESTED / slowdown))
    const from = descent === null || limit <= descent.limit * JUDGED_AT ? { limit, mean } : descent
    return decide({ ...next, seeking: false, descent: from }, limit * factor, 'queueing', STEADY)
  }
  if ((state.base === 0 || window.end >= next.probeAt) && limit > 1) {
    const dip = { limit, mean }
    return decide({ ...next, dip, descent: null }, Math.ceil(limit / 2), 'probe', DIP)
  }
  if (slowdown < CALM) {
    const wider = next.seeking ? limit * 1.5 : limit + Math.max(1, Math.sqrt(limit) / 2)
    return decide({ ...next, descent: null }, Math.max(wider, limit + 1), 'headroom', STEADY)
  }
  return decide({ ...next, seeking: false, descent: null }, limit, 'at the knee', STEADY)
}

function afterDip(
  state: AdaptiveState,
  dip: { limit: number; mean: number },
  window: Window,
  decide: Decide,
): Step<AdaptiveState> {
  const { mean } = window.rtt
  const probeAt = window.end + PROBE_EVERY
  const follows = Math.log(mean / dip.mean) / Math.log(state.limit / dip.limit)
  // Still in proportion at half the limit: the queue is deeper than the dip. Look further down at once.
  if (follows > FOLLOWS && state.limit > 1)
    return decide({ ...state, dip: { limit: state.limit, mean } }, Math.ceil(state.limit / 2), 'probe deeper', DIP)
  const base = state.base === 0 || mean < state.base ? mean : blend(state.base, mean, 0.5)
  const slowdown = dip.mean / base
  const limit = slowdown > CONGESTED ? (dip.limit * CONGESTED) / slowdown : dip.limit
  return decide({ ...state, dip: null, base, probeAt }, Math.max(state.limit, limit), 'probed', STEADY)
}

function blend(old: number, now: number, share: number): number {
  return old === 0 ? now : old + share * (now - old)
}
