import { checkNumber, type Millis } from '../ground/index.ts'
import { bounds, type BoundsOptions } from './bounds.ts'
import type { LimitAlgorithm, Step, Window, WindowEnd } from './limit.ts'

export interface Gradient2Options extends BoundsOptions {
  /** How much slower than in the long run is taken for no queue, as a factor of at least 1. Default 1.5. */
  readonly tolerance?: number
  /** How much of a new limit is taken at once, from 0.01 to 1 (all of it). Default 0.2. */
  readonly smoothing?: number
  /** How far the long run reaches back, in windows, which last 0.1 s or more. At least 1. Default 6000: ten minutes. */
  readonly longWindow?: number
  /** Room to grow and to queue, in progress. At least 0. Default 4. */
  readonly queueSize?: number
}

/** What the algorithm remembers between windows. Plain data. */
export interface Gradient2State {
  readonly limit: number
  /** Mean time in service in the long run, in ms; 0 while unknown. */
  readonly long: Millis
  /** Windows in `long`, up to {@link WARM_UP}. */
  readonly windows: number
}

/** Until it is an average of so many, the long run is a plain mean: an exponential one would be its first value. */
const WARM_UP = 10
/** The long run is this much slower than now: an overload has passed … */
const PASSED = 2
/** … and is forgotten sooner than an average forgets. */
const FORGET = 0.95
/** More than half of the limit is never taken at once. */
const STEEPEST = 0.5

/**
 * The shortest that Netflix's `WindowedLimit` takes: with its default of a second the limit needs two minutes from 100 to
 * 200. Where ten in that time are not to be had, as long as those take.
 */
const SHORT: WindowEnd = { samples: 10, error: 1, atLeast: 100, atMost: 10_000 }

/**
 * Compares the mean time in service of a tenth of a second with that in the long run:
 * `gradient = clamp(tolerance × long ÷ short, 0.5, 1)`, and the limit goes by a fifth of the way to
 * `gradient × limit + 4`.
 *
 * - It widens only while the limit binds, and holds where less than half of it is in use.
 * - The long run is an average over ten minutes: it gets used to whatever is slow, in both directions. After an overload
 *   it is led back by 5 % a window.
 * - Two losses or more, and at least one in ten, count as the steepest gradient.
 *
 * The formula and its constants are those of Netflix's `Gradient2Limit` behind its `WindowedLimit`. That one ignores
 * losses, and its 600 windows of a second are 6000 of a tenth here.
 * @throws RangeError for an option out of range
 */
export function gradient2(options: Gradient2Options = {}): LimitAlgorithm<Gradient2State> {
  const { initial, within } = bounds('gradient2', options)
  const tolerance = checkNumber('gradient2.tolerance', options.tolerance ?? 1.5, 1)
  const smoothing = checkNumber('gradient2.smoothing', options.smoothing ?? 0.2, 0.01, 1)
  const longWindow = checkNumber('gradient2.longWindow', options.longWindow ?? 6000, 1)
  const queueSize = checkNumber('gradient2.queueSize', options.queueSize ?? 4, 0)

  const decide = (state: Gradient2State, wanted: number, reason: string): Step<Gradient2State> => {
    const limit = within(wanted)
    return { state: { ...state, limit }, limit, reason, until: SHORT }
  }

  const towards = (limit: number, gradient: number): number =>
    limit + smoothing * (gradient * limit + queueSize - limit)

  return {
    name: 'gradient2',
    init: () => decide({ limit: initial, long: 0, windows: 0 }, initial, 'initial'),
    step: (last, window) => {
      const { rtt } = window
      const state = rtt.count === 0 ? last : learn(last, rtt.mean, longWindow)
      if (overwhelmed(window)) return decide(state, Math.min(state.limit, towards(state.limit, STEEPEST)), 'drops')
      if (rtt.count === 0) return decide(state, state.limit, 'no samples')
      if (window.bound === 0 || window.peakInflight < state.limit / 2) return decide(state, state.limit, 'idle')
      const gradient = Math.max(STEEPEST, Math.min(1, (tolerance * state.long) / rtt.mean))
      return decide(state, towards(state.limit, gradient), gradient < 1 ? 'queueing' : 'headroom')
    },
  }
}

/** Several losses and at least one in ten: one stray error is no evidence. */
function overwhelmed({ dropped, completed }: Window): boolean {
  return dropped >= 2 && dropped >= 0.1 * (completed + dropped)
}

function learn(state: Gradient2State, short: Millis, longWindow: number): Gradient2State {
  const windows = Math.min(WARM_UP, state.windows + 1)
  const share = state.windows < WARM_UP ? 1 / windows : 2 / (longWindow + 1)
  const long = state.long + share * (short - state.long)
  return { ...state, windows, long: long > PASSED * short ? long * FORGET : long }
}
