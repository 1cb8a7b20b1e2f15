import type { Millis } from 'sluice'

export const SCENARIO_NAMES = ['normal', 'threshold', 'overload', 'spike'] as const
export type ScenarioName = (typeof SCENARIO_NAMES)[number]

/** From when to when, in ms since the start of the load. */
export interface Stretch {
  readonly from: Millis
  readonly to: Millis
}

/** A load scenario of requirement S3.11. */
export interface Scenario {
  readonly name: ScenarioName
  /** For people. */
  readonly load: string
  /** How many users there are at a time, in ms since the start. */
  readonly users: (at: Millis) => number
  /** How long it takes, in ms. */
  readonly duration: Millis
  /** What is judged: all but the warm-up. In a spike, the time when all users are there. */
  readonly judged: Stretch
  /** Only in a spike: the first fifth of the rise, and the last third of the calm after it. */
  readonly rise?: Stretch
  readonly calm?: Stretch
}

/** The shortest time in which users who think for a second show anything, in ms. */
export const SHORTEST: Millis = 3000
/** Users of a steady scenario come within the first half of it; no part of it is judged. */
const WARM_UP: Millis = 3000
/** S3.11: 0 to 500 users in 10 s, in a run long enough for that. */
const RISE: Millis = 10_000

const USERS: Readonly<Record<Exclude<ScenarioName, 'spike'>, number>> = { normal: 70, threshold: 120, overload: 200 }
const CROWD = 500

/**
 * A scenario of S3.11.
 * @param length of what is judged, in ms; of a spike, of everything. At least {@link SHORTEST}
 */
export function scenario(name: ScenarioName, length: Millis): Scenario {
  if (!(length >= SHORTEST))
    throw new RangeError(`a scenario needs at least ${SHORTEST / 1000}s, not ${length / 1000}s`)
  if (name === 'spike') return spike(length)
  const most = USERS[name]
  return {
    name,
    load: `${most} users`,
    users: (at) => most * Math.min(1, at / (WARM_UP / 2)),
    duration: WARM_UP + length,
    judged: { from: WARM_UP, to: WARM_UP + length },
  }
}

/** A third for the rise, at most ten seconds, a sixth at the top; then all but the normal load leave at once. */
function spike(length: Millis): Scenario {
  const rise = Math.min(RISE, length / 3)
  const fall = rise + length / 6
  return {
    name: 'spike',
    load: `0 to ${CROWD} users in ${seconds(rise)} s, ${USERS.normal} from ${seconds(fall)} s on`,
    users: (at) => (at < fall ? CROWD * Math.min(1, at / rise) : USERS.normal),
    duration: length,
    judged: { from: rise, to: fall },
    rise: { from: 0, to: rise / 5 },
    calm: { from: length - (length - fall) / 3, to: length },
  }
}

function seconds(time: Millis): string {
  return String(Math.round(time / 100) / 10)
}
