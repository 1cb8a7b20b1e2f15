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
  /** Typical time in service without queueing; `null` while unknown. */
  readonly base: Base | null
  /** True until the first congestion: the limit grows by multiples. */
  readonly seeking: boolean
  /** When to look below the queue again, on the windows' clock. */
  readonly probeAt: number
  /** While another limit is being looked at: what was seen at the one before. */
  readonly dip: Seen | null
  /** While decreases are under way: where they began. */
  readonly descent: Seen | null
}

/** What is believed about the time without queueing, and how firmly. */
interface Base {
  /** In ms. */
  readonly typical: number
  /** Variance of its logarithm. */
  readonly doubt: number
}

interface Seen {
  readonly limit: number
  readonly typical: number
  readonly error: number
}

// The ratios below are dimensionless: nothing is tuned to a service time or a rate, but for what is too quick to matter.

/** Slowdown above which work queues behind us. */
const CONGESTED = 1.5
/** Slowdown below which there is room to grow. */
const CALM = 1.3
/** Slowdown below which there is plenty. */
const FREE = 1.15
/**
 * What is quicker counts as if it took this long, in ms: a few ms are the noise of an event loop, and what CoDel takes for
 * a harmless queue (RFC 8289). A service of 0.3 ms that takes 1 ms under load is not congested.
 */
const NEGLIGIBLE = 5
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
/** So many standard deviations from the base are no noise: the world has changed. */
const SURPRISE = 3
/** What the base may drift between two looks, as a variance of its logarithm: 3 % each time. */
const DRIFT = 0.03 ** 2

const STEADY: WindowEnd = { samples: 20, error: 0.07, atLeast: 50, atMost: 1000 }
/** Both of these cost goodput while they last, so they end as soon as they mean something. */
const SEEKING: WindowEnd = { samples: 20, error: 0.12, atLeast: 20, atMost: 1000 }
const DIP: WindowEnd = { samples: 20, error: 0.1, atLeast: 10, atMost: 1000 }

/**
 * The default: a gradient on *slowdown* (typical time in service over typical time without queueing) that verifies what
 * it assumes.
 *
 * - Slowdown above 1.5 narrows the limit to `limit × 1.5 / slowdown`; below 1.3 it widens, by multiples until
 *   congestion is first seen and by `√limit / 2` afterwards; in between it holds.
 * - It moves only while the limit is what holds arrivals back; an idle service neither grows nor shrinks it.
 * - After a decrease it looks whether latency followed. If not, the dependency became slower and we are not the
 *   cause: the new latency becomes the base and the limit is given back.
 * - While binding, it dips to half the limit every 5 s for some twenty samples. If latency falls in proportion, the
 *   standing queue was ours and it looks further down; where latency stops following is the new base. This keeps the
 *   base honest under a load that never pauses, where a running minimum or an average drifts.
 * - Typical is the geometric mean: robust against the few very slow, and proportional when everybody slows down.
 *
 * Slowdown against a base is the idea of Envoy's gradient controller and Netflix's Gradient2, the dip is Envoy's
 * minRTT window made shallow; verification is ours.
 * @throws RangeError for an option out of range
 */
export function adaptive(options: AdaptiveOptions = {}): LimitAlgorithm<AdaptiveState> {
  const min = checkNumber('adaptive.min', options.min ?? 1, 1)
  const max = checkNumber('adaptive.max', options.max ?? 1000, min)
  const initial = checkNumber('adaptive.initial', options.initial ?? Math.min(max, Math.max(min, 10)), min, max)

  const decide: Decide = (state, limit, reason, until = state.seeking ? SEEKING : STEADY) => {
    const clamped = Math.min(max, Math.max(min, limit))
    return { state: { ...state, limit: clamped }, limit: clamped, reason, until }
  }

  const start: AdaptiveState = { limit: initial, base: null, seeking: true, probeAt: 0, dip: null, descent: null }
  return {
    name: 'adaptive',
    init: () => decide(start, initial, 'initial'),
    step: (state, window) => {
      if (overwhelmed(window))
        return decide({ ...state, dip: null, descent: null, seeking: false }, state.limit * 0.9, 'drops')
      if (window.rtt.count === 0) return decide(state, state.limit, 'no samples')
      if (state.dip !== null) return afterDip(state, state.dip, window, decide)
      return window.bound < BINDING ? whileFree(state, window, decide) : whileBound(state, window, decide)
    },
  }
}

type Decide = (state: AdaptiveState, limit: number, reason: string, until?: WindowEnd) => Step<AdaptiveState>

/** Several losses and at least one in ten: one stray error is no evidence. */
function overwhelmed({ dropped, completed }: Window): boolean {
  return dropped >= 2 && dropped >= 0.1 * (completed + dropped)
}

/** The limit holds nobody back: nothing to decide, but the truth about service time is there to be learned. */
function whileFree(state: AdaptiveState, window: Window, decide: Decide): Step<AdaptiveState> {
  const { typical, error } = window.rtt
  // Half empty, this is service without queueing of our making, whichever way it moves.
  const honest = window.meanInflight < state.limit / 2
  const base =
    honest || state.base === null ? learn(state.base, typical, error) : learnLower(state.base, typical, error)
  return decide({ ...state, base, descent: null, probeAt: window.end + PROBE_EVERY }, state.limit, 'idle')
}

function whileBound(state: AdaptiveState, window: Window, decide: Decide): Step<AdaptiveState> {
  const { typical, error } = window.rtt
  const { limit, descent } = state
  const seen: Seen = { limit, typical, error }

  const judged = descent !== null && limit <= descent.limit * JUDGED_AT
  if (judged && exponent(seen, descent) < INDIFFERENT) {
    const base = { typical, doubt: error ** 2 }
    return decide({ ...state, base, descent: null, seeking: true }, descent.limit, 'dependency slower')
  }

  // A base learned under load is a guess. Look at twice the limit: if that is no slower, there is no queue here either.
  if (state.base === null) return decide({ ...state, dip: seen }, limit * 2, 'first look', DIP)

  const base = learnLower(state.base, typical, error)
  const next: AdaptiveState = { ...state, base }
  const slowdown = slowdownOf(typical, base)
  // What it is at least, given how well the two are known.
  const surely = slowdownOf(typical * Math.exp(-Math.sqrt(error ** 2 + base.doubt)), base)
  if (surely > CONGESTED) {
    const factor = Math.min(0.95, Math.max(0.5, CONGESTED / slowdown))
    return decide({ ...next, seeking: false, descent: judged ? seen : (descent ?? seen) }, limit * factor, 'queueing')
  }
  if (window.end >= state.probeAt && limit > 1 && typical > NEGLIGIBLE)
    return decide({ ...next, dip: seen, descent: null }, Math.ceil(limit / 2), 'probe', DIP)
  if (next.seeking && surely < CALM)
    return decide({ ...next, descent: null }, limit * (slowdown < FREE ? 2 : 1.5), 'headroom')
  if (slowdown < CALM) return decide({ ...next, descent: null }, limit + Math.max(1, Math.sqrt(limit) / 2), 'headroom')
  return decide({ ...next, seeking: false, descent: null }, limit, 'at the knee')
}

function afterDip(state: AdaptiveState, dip: Seen, window: Window, decide: Decide): Step<AdaptiveState> {
  const { typical, error } = window.rtt
  const seen: Seen = { limit: state.limit, typical, error }
  const followed = exponent(seen, dip)
  // The first look, upwards, met a queue: where it begins can only be seen from below.
  if (seen.limit > dip.limit && followed >= INDIFFERENT)
    return decide({ ...state, dip }, Math.ceil(dip.limit / 2), 'probe', DIP)
  // Still in proportion at half the limit: the queue is deeper than the dip. Look further down at once.
  if (seen.limit > 1 && followed > FOLLOWS && typical > NEGLIGIBLE)
    return decide({ ...state, dip: seen }, Math.ceil(seen.limit / 2), 'probe deeper', DIP)
  const base = learn(state.base, typical, error)
  const probed: AdaptiveState = { ...state, dip: null, base, probeAt: window.end + PROBE_EVERY }
  // No slower at twice the limit: there is room, and where it ends is not known.
  if (followed < INDIFFERENT) return decide({ ...probed, seeking: true }, Math.max(seen.limit, dip.limit), 'probed')
  const slowdown = slowdownOf(dip.typical, base)
  const limit = slowdown > CONGESTED ? (dip.limit * CONGESTED) / slowdown : dip.limit
  return decide(probed, Math.max(seen.limit, limit), 'probed')
}

/** How much slower than without queueing: 1 for not at all. */
function slowdownOf(typical: number, base: Base): number {
  return 1 + (typical - base.typical) / Math.max(base.typical, NEGLIGIBLE)
}

/** How latency answers to the limit, as the exponent of a power law: 1 in proportion, 0 not at all. */
function exponent(now: Seen, before: Seen): number {
  return Math.log(now.typical / before.typical) / Math.log(now.limit / before.limit)
}

/**
 * Moves the base towards what was seen, the more the better it was seen and the less the base is known (a Kalman filter
 * on the logarithm); all the way where the two cannot be the same.
 */
function learn(base: Base | null, typical: number, error: number): Base {
  const noise = error ** 2
  if (base === null) return { typical, doubt: noise }
  const off = Math.log(typical / base.typical)
  const doubt = base.doubt + DRIFT
  if (off ** 2 > SURPRISE ** 2 * (doubt + noise)) return { typical, doubt: noise }
  const share = doubt / (doubt + noise)
  return { typical: base.typical * Math.exp(share * off), doubt: (1 - share) * doubt }
}

/** The same under load, where only what is faster is news; timidly, for of many looks the lowest is luck. */
function learnLower(base: Base, typical: number, error: number): Base {
  return typical >= base.typical ? base : learn(base, typical, error * 3)
}
