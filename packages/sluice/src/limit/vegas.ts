import { checkNumber, type Millis } from '../ground/index.ts'
import { bounds, type BoundsOptions } from './bounds.ts'
import type { LimitAlgorithm, Step, Window, WindowEnd } from './limit.ts'

export interface VegasOptions extends BoundsOptions {
  /**
   * How often the time without queueing is looked at anew: after this many successes for each unit of the limit, and at
   * times after as few as half of them. At least 1. Default 30.
   */
  readonly probeEvery?: number
}

/** What the algorithm remembers between windows. Plain data. */
export interface VegasState {
  readonly limit: number
  /** The shortest typical time in service since the last look, in ms; `null` while unknown. */
  readonly base: Millis | null
  /** Successes since the last look. */
  readonly since: number
  /** Looks so far. */
  readonly looks: number
  /** While looking, from half the limit: the limit to return to. */
  readonly resume: number | null
}

/** Any two terms in a row of its multiples are far apart, and any ten spread evenly: chance without a source of it. */
const GOLDEN = (Math.sqrt(5) - 1) / 2

/** So many standard errors are no luck. */
const SURE = 2

const ROUND: WindowEnd = { samples: 20, error: 0.07, atLeast: 20, atMost: 1000 }

/**
 * Counts how much of the limit stands in a queue behind us, and holds that between three and six:
 * `queue = ⌈limit × (1 − base ÷ typical)⌉`, in units of `⌊log₁₀ limit⌋` (at least 1).
 *
 * - Up to one unit the limit widens by six, below three by one; above six, and after a loss, it narrows by one.
 * - It moves once a window, as TCP Vegas moves once a round trip, and widens only while the limit binds.
 * - `base` is the shortest typical time seen. It is forgotten after some `30 × limit` successes, and then seen again from
 *   half the limit, for one window: what one sees at the limit is our own queue.
 *
 * Brakmo and Peterson, "TCP Vegas: end to end congestion avoidance on a global Internet", 1995; the steps and the looks
 * are those of Netflix's `VegasLimit`, which moves with every sample, takes the time of one request for the base, and
 * whatever sample comes next when it looks.
 * @throws RangeError for an option out of range
 */
export function vegas(options: VegasOptions = {}): LimitAlgorithm<VegasState> {
  const { initial, within } = bounds('vegas', options)
  const probeEvery = checkNumber('vegas.probeEvery', options.probeEvery ?? 30, 1)

  const decide = (state: VegasState, wanted: number, reason: string): Step<VegasState> => {
    const limit = within(wanted)
    return { state: { ...state, limit }, limit, reason, until: ROUND }
  }

  const looked = (state: VegasState, base: Millis | null, limit: number): Step<VegasState> =>
    decide({ ...state, base, since: 0, looks: state.looks + 1, resume: null }, limit, 'probed')

  const isDue = ({ looks, limit }: VegasState, since: number): boolean =>
    since >= (0.5 + 0.5 * (((looks + 1) * GOLDEN) % 1)) * probeEvery * limit

  return {
    name: 'vegas',
    init: () => decide({ limit: initial, base: null, since: 0, looks: 0, resume: null }, initial, 'initial'),
    step: (last, window) => {
      const { limit } = last
      const { typical, error, count } = window.rtt
      if (window.dropped > 0) return decide({ ...last, resume: null }, (last.resume ?? limit) - unitOf(limit), 'drops')
      if (last.resume !== null) return looked(last, count === 0 ? last.base : typical, last.resume)
      if (count === 0) return decide(last, limit, 'no samples')
      const since = last.since + window.completed
      if (isDue(last, since)) {
        const half = within(limit / 2)
        // A limit that holds nobody back makes no queue, and one that cannot go lower shows what it can.
        if (window.bound === 0 || half >= limit) return looked(last, typical, limit)
        return decide({ ...last, since, resume: limit }, half, 'probe')
      }
      // Of many looks the lowest is luck: a base that took it would read every ordinary window as a queue.
      if (last.base === null || typical * (1 + SURE * error) < last.base)
        return decide({ ...last, since, base: typical }, limit, 'faster')
      return byQueue({ ...last, since }, last.base, window, decide)
    },
  }
}

type Decide = (state: VegasState, wanted: number, reason: string) => Step<VegasState>

function byQueue(state: VegasState, base: Millis, window: Window, decide: Decide): Step<VegasState> {
  const { limit } = state
  if (window.bound === 0) return decide(state, limit, 'idle')
  const unit = unitOf(limit)
  const queue = Math.ceil((limit * (window.rtt.typical - base)) / window.rtt.typical)
  if (queue <= unit) return decide(state, limit + 6 * unit, 'no queue')
  if (queue < 3 * unit) return decide(state, limit + unit, 'short queue')
  if (queue > 6 * unit) return decide(state, limit - unit, 'queueing')
  return decide(state, limit, 'at the knee')
}

function unitOf(limit: number): number {
  return Math.max(1, Math.floor(Math.log10(limit)))
}
