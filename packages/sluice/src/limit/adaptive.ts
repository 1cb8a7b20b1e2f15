import { checkNumber, type Instant } from '../ground/index.ts'
import {
  aged,
  changeOf,
  CONTRADICTION,
  INDIFFERENT,
  kneeOf,
  slopeOf,
  STALE,
  withSight,
  type Knee,
  type Prior,
  type Sight,
} from './latency-curve.ts'
import type { LimitAlgorithm, Step, Window, WindowEnd } from './limit.ts'
import { DIP, LIFT, pauseAbove, pauseBelow, SOON, type Lifted } from './looks.ts'
import { DEEPEST_CUT, keptOf } from './losses.ts'
import { sightOf } from './sight-of.ts'
import { CHANCE, FEWER, IDLED, LOST, RECOVERABLE, throughputOf, withThroughput } from './throughput.ts'

export interface AdaptiveOptions {
  /** The lowest limit. At least 1. Default 1. */
  readonly min?: number
  /** The highest limit: a guard for memory, not a tuning knob. At least `min`. Default 1000. */
  readonly max?: number
  /** The first limit, from `min` to `max`. Default 20, or whichever of `min` and `max` is nearest to it. */
  readonly initial?: number
}

/** What the algorithm remembers between windows. Plain data. */
export interface AdaptiveState {
  readonly limit: number
  /** What latency was like at the levels seen lately. */
  readonly curve: readonly Sight[]
  /** What latency without queueing was before the world changed; `null` while nothing is believed. */
  readonly prior: Prior | null
  /** While another limit is being looked at: since when, which to return to, and whether it is higher. */
  readonly trip: { readonly since: Instant; readonly back: number; readonly up: boolean } | null
  /** While it is open whether more or less can be done than before: the limit when that began. */
  readonly fallen: number | null
  /** Work began to take twice as long in the window before. */
  readonly alarmed: boolean
  /** How many were answered per ms, lately; 0 before the first. */
  readonly rate: number
  /** In so many windows before this one the limit held nobody back. */
  readonly idled: number
  /** When to look below the knee again. */
  readonly nextDip: Instant
  readonly lifted: Lifted
}

// The ratios are dimensionless: nothing is tuned to a service time or a rate.

/** The limit is this much above the knee: enough to keep every worker busy, little enough to queue. */
const HEADROOM = 1.12
/** As much above the highest knee that what was seen allows: in doubt for goodput. */
const BENEFIT_OF_DOUBT = 1.05
/** But no higher than this above the likeliest. */
const MOST_DOUBT = 1.5
/** A curve whose lowest sights queue, too, for all that is known, up to this factor, has not shown where queueing ends. */
const UNSEEN = Math.log(1.35)
/** No slower than this without queueing: perhaps there is room. */
const CALM = Math.log(1.08)
/** Back within this ratio of the time without queueing, the fall is over. */
const RECOVERED = 0.4
/** With the limit not binding there may be queueing that the average level does not show. */
const FREE_ERROR = 0.2
/** Share of the time at which the limit counts as binding. */
const BINDING = 0.75

/** The reason of a step that waits for the next window to say how much slower. */
const SLOWER = 'slower'

const STEADY: WindowEnd = { samples: 20, error: 0.1, atLeast: 50, atMost: 1000 }
/** These cost goodput or latency while they last, so they end as soon as they mean something. */
const SEEKING: WindowEnd = { samples: 20, error: 0.08, atLeast: 20, atMost: 500 }
const TRIP: WindowEnd = { samples: 20, error: 0.08, atLeast: 10, atMost: 500 }
const FALLEN: WindowEnd = { samples: 8, error: 0.25, atLeast: 10, atMost: 1000 }

/**
 * The default: it learns the *latency curve* of what is behind it (time in service against what is in flight), finds
 * the knee where queueing begins, and keeps the limit just above.
 *
 * - Each window is one sight of the curve. Below the knee latency is flat, beyond it proportional to what is in flight:
 *   base and knee are fitted to all recent sights, and what was seen long ago counts for less.
 * - It goes where the curve is not known: up while no queueing has been seen, down while nothing but queueing has, and
 *   now and then for one short window below the knee and above it. So the base stays honest under a load that never
 *   pauses, where a running minimum or an average drifts, and room that has appeared is found.
 * - When latency leaves the curve, the world has changed. The limit is cut at once; if latency follows, less can be
 *   done than before, and if it does not while throughput does, the dependency became slower and it is given back, twice.
 *   Where nobody was held back until then it is doubled instead: the same test, at nobody's cost.
 * - It moves only while the limit is what holds arrivals back; an idle service neither grows nor shrinks it.
 * - Latency is a geometric mean: robust against the few very slow, and proportional when everybody slows down.
 *
 * Comparing latency with what it is without queueing is the idea of Vegas (Brakmo and Peterson, 1995), Netflix's
 * Gradient2 and Envoy's gradient controller, looking below the queue that of Envoy's minRTT window; fitting the curve
 * and verifying decreases are ours.
 * @throws RangeError for an option out of range
 */
export function adaptive(options: AdaptiveOptions = {}): LimitAlgorithm<AdaptiveState> {
  const min = checkNumber('adaptive.min', options.min ?? 1, 1)
  const max = checkNumber('adaptive.max', options.max ?? 1000, min)
  const initial = checkNumber('adaptive.initial', options.initial ?? Math.min(max, Math.max(min, 20)), min, max)

  const decide: Decide = (state, wanted, reason, until = STEADY) => {
    const limit = Math.min(max, Math.max(min, Math.round(wanted)))
    return { state: { ...state, limit, alarmed: reason === SLOWER }, limit, reason, until }
  }
  const start: AdaptiveState = {
    limit: initial,
    curve: [],
    prior: null,
    trip: null,
    fallen: null,
    alarmed: false,
    rate: 0,
    idled: 0,
    nextDip: 0,
    lifted: { at: 0, took: 0, soon: 0 },
  }
  return {
    name: 'adaptive',
    init: () => decide(start, initial, 'initial', SEEKING),
    step: (state, window) => {
      const kept = keptOf(window)
      if (kept < 1) {
        // What came through is a sight, too; later on it would be of what those who left have left behind.
        const first = state.fallen === null && window.rtt.count > 0
        const curve = first ? withSight(state.curve, sightOf(window, state.limit)) : state.curve
        return decide({ ...state, curve, trip: null, fallen: state.limit }, state.limit * kept, 'drops')
      }
      if (window.rtt.count === 0) return decide(state, state.limit, 'no samples')
      return window.bound < BINDING ? whileFree(state, window, decide) : whileBound(state, window, decide, min)
    },
  }
}

type Decide = (state: AdaptiveState, limit: number, reason: string, until?: WindowEnd) => Step<AdaptiveState>

/** The limit holds nobody back: nothing to decide, but there is something to be learned. */
function whileFree(state: AdaptiveState, window: Window, decide: Decide): Step<AdaptiveState> {
  const idle: AdaptiveState = {
    ...state,
    trip: null,
    fallen: null,
    rate: withThroughput(state.rate, window),
    idled: state.idled + 1,
    lifted: { at: window.end, took: 0, soon: 0 },
  }
  // A first look that ended the shortage has found what it looked for.
  const { trip } = state
  const home = trip === null || (trip.up && state.curve.length === 1) ? state.limit : trip.back
  // More than half full, the few moments at the limit would pass for the whole.
  const honest = window.meanInflight < state.limit / 2
  if (window.cut) return decide(idle, home, SLOWER, FALLEN)
  if (!honest && state.curve.length > 0) return decide(idle, home, 'idle')
  const sight = sightOf(window, state.limit, FREE_ERROR)
  const expected = kneeOf(aged(state.curve, sight.at), state.prior, sight.inflight)
  const known = changeOf(expected, sight) === undefined ? state : forgetful(state, expected)
  return decide({ ...idle, prior: known.prior, curve: withSight(known.curve, sight) }, home, 'idle')
}

function whileBound(before: AdaptiveState, window: Window, decide: Decide, min: number): Step<AdaptiveState> {
  const { limit, trip } = before
  const sight = sightOf(window, limit)
  const idled = before.idled >= IDLED
  if (idled && window.cut) return decide(before, limit, SLOWER, FALLEN)
  // Of how many were answered before, so many are.
  const share = throughputOf(window) / before.rate
  const state: AdaptiveState = { ...before, rate: withThroughput(before.rate, window), idled: 0 }
  const expected = kneeOf(aged(state.curve, sight.at), state.prior, sight.inflight)
  const change = changeOf(expected, sight)
  const fewer = expected.most === Infinity ? 1 - CHANCE * window.completed ** -0.5 : FEWER
  // Nobody was held back so far, and enough is left for a higher limit to bring back the rest.
  const unhurt = idled && share >= RECOVERABLE
  // It takes as long here as higher up, where it came down from: what was seen there was not our queueing.
  const above = before.curve.filter(({ inflight }) => inflight > sight.inflight)
  const alike = trip?.up === false && state.fallen === null && Math.abs(slopeOf([...above, sight])) < INDIFFERENT
  if (change === 'worse' ? unhurt || alike : unhurt && share < fewer) {
    // No crowd alone does that. Less can be done, or it only takes longer: up first.
    const home = trip?.back ?? limit
    const anew = { ...state, limit: home, curve: [sight], prior: null, trip: null, fallen: null, nextDip: sight.at }
    return steer(anew, expected, sight, decide, min)
  }
  if (change === 'worse' && state.fallen === null) {
    // Without an alarm the change came in the middle of the window, which says which way but not how far.
    const curve = state.alarmed ? [sight] : []
    const lifted = share < LOST ? { ...state.lifted, at: sight.at, soon: SOON } : state.lifted
    const begun = { ...state, trip: null, fallen: limit, rate: throughputOf(window), lifted }
    const fallen: AdaptiveState = { ...forgetful(begun, expected), curve }
    const slower = fallen.prior === null ? 2 : Math.exp(sight.latency - fallen.prior.latency)
    return decide(fallen, Math.min(limit - 1, limit * Math.max(DEEPEST_CUT, HEADROOM / slower)), 'queueing', FALLEN)
  }
  if (window.cut && change !== 'better') return decide(state, limit, SLOWER, FALLEN)

  const known = change === 'better' ? forgetful(state, expected) : state
  const curve = withSight(known.curve, sight)
  const knee = kneeOf(curve, known.prior, sight.inflight)
  if (known.prior !== null && curve.length > 1) {
    const unbiased = kneeOf(curve, null, sight.inflight)
    if (knee.misfit - unbiased.misfit > CONTRADICTION) {
      const next: AdaptiveState = { ...known, curve, prior: null }
      if (state.fallen === null) return steer(next, unbiased, sight, decide, min)
      // Latency did not follow the limit down, and throughput did: it is not our queueing.
      if (unbiased.most === Infinity && slopeOf(curve) < INDIFFERENT && share < FEWER) {
        const slow: AdaptiveState = { ...next, trip: null, fallen: null, nextDip: window.end + pauseBelow(0) }
        return decide(slow, 2 * Math.max(limit, state.fallen), 'dependency slower', SEEKING)
      }
    }
  }
  const fallen = sight.latency < knee.base + RECOVERED ? null : state.fallen
  return steer({ ...known, curve, fallen }, knee, sight, decide, min)
}

/** Nothing seen so far holds any more, but for what it took without queueing: perhaps. */
function forgetful(state: AdaptiveState, { base, least }: Knee): AdaptiveState {
  return { ...state, curve: [], prior: least === -Infinity ? null : { latency: base, doubt: STALE } }
}

/** The next limit, given what the curve says: where the knee is, or where to look for it. */
function steer(state: AdaptiveState, knee: Knee, sight: Sight, decide: Decide, min: number): Step<AdaptiveState> {
  const { limit, trip, curve } = state
  const now = sight.at
  const home = trip?.back ?? limit
  const down = trip?.up === false
  const leave = (up: boolean): AdaptiveState => ({ ...state, trip: { since: now, back: home, up } })

  const lowest = Math.min(...curve.map(({ inflight }) => inflight))
  const below = Math.max(1, Math.ceil(Math.exp(lowest) / 2))
  if (curve.length === 1 && state.prior === null && trip === null) {
    // Upwards first: a service that is not overloaded loses nothing by it.
    return decide(leave(true), limit * 2, 'first look', TRIP)
  }
  const due = down || now >= state.nextDip || (trip !== null && curve.length === 2)
  if (knee.least <= lowest - UNSEEN && due && limit > min && below < limit) {
    return decide(down ? state : leave(false), below, 'probe deeper', state.fallen === null ? TRIP : FALLEN)
  }

  if (knee.most === Infinity) {
    if (limit < home) return decide(returned(state, now), home, 'probed', SEEKING)
    // Less can be done, and how much less is not known yet.
    if (state.fallen !== null) return decide(state, limit, 'queueing', FALLEN)
    return decide({ ...state, trip: null }, limit * 2, 'headroom', SEEKING)
  }
  // Nearer to what it takes without queueing than to what queueing here would make of it.
  if (trip?.up && sight.latency < knee.base + Math.log(limit / trip.back) / 2) {
    // What was seen higher up is no longer so, or is about to be seen again.
    const still = curve.filter(({ inflight }) => inflight <= sight.inflight)
    return decide({ ...state, curve: still, trip: { ...trip, back: limit } }, limit * 1.5, 'headroom', SEEKING)
  }

  const likeliest = Math.exp(knee.inflight)
  const doubtful = Math.min(likeliest * MOST_DOUBT, Math.exp(knee.most) * BENEFIT_OF_DOUBT)
  const goal = Math.min(2 * home, Math.max(likeliest * HEADROOM, doubtful))
  // Where nobody queues latency is to be known as well as from a window, for else the knee may be anywhere.
  const known = curve.some(({ inflight, doubt }) => inflight < knee.inflight - UNSEEN && doubt < STEADY.error ** 2)
  if (trip === null && !known && now >= state.nextDip && limit > min) {
    return decide(leave(false), Math.min(limit - 1, likeliest * DIP), 'probe', TRIP)
  }
  if (trip === null && now >= state.lifted.at + pauseAbove(state.lifted, sight.latency < knee.base + CALM)) {
    return decide(leave(true), Math.ceil(Math.max(limit, goal) * LIFT), 'lift', TRIP)
  }
  // A hair's breadth is noise.
  const next = Math.abs(goal - home) < Math.max(0.5, home * 0.03) ? home : goal
  const moved = next > limit ? 'headroom' : 'queueing'
  const reason = trip === null ? (next === limit ? 'at the knee' : moved) : trip.up ? 'lifted' : 'probed'
  return decide(returned(state, now), next, reason)
}

/** Back from a trip, and when to go on the next one of the kind. */
function returned(state: AdaptiveState, now: Instant): AdaptiveState {
  const { trip } = state
  if (trip === null) return state
  const took = now - trip.since
  if (trip.up) return { ...state, trip: null, lifted: { at: now, took, soon: Math.max(0, state.lifted.soon - 1) } }
  return { ...state, trip: null, nextDip: now + pauseBelow(took) }
}
