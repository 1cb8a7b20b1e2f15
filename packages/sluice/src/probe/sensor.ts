import { checkNumber, type Millis } from '../ground/index.ts'
import type { ProbeOptions } from './probe.ts'

/** Where a probe's readings come from. Neither method may throw. */
export interface Instrument {
  /** Takes the first reading. Returns the level, where one reading is enough to know it, else 0. */
  begin(): number
  /**
   * Takes the next reading.
   * @param elapsed time since the reading before, in ms; above 0
   * @param late how much later than asked for the sampling timer fired, in ms
   * @returns the level over the time since the reading before; what is no number counts as 0
   */
  read(elapsed: Millis, late: Millis): number
}

/** An instrument, how often it is read and how much of the past counts. */
export interface Sensor {
  readonly name: string
  readonly every: Millis
  readonly window: Millis
  readonly instrument: Instrument
}

/** @throws RangeError for an interval or a window out of range */
export function sensor(name: string, options: ProbeOptions, usual: Timing, instrument: Instrument): Sensor {
  const every = checkNumber(`${name}.every`, options.every ?? usual.every, 1)
  const window = checkNumber(`${name}.window`, options.window ?? Math.max(usual.window, every), every, every * 1000)
  return { name, every, window, instrument }
}

/** What a probe does unless told otherwise, in ms. */
export interface Timing {
  readonly every: Millis
  readonly window: Millis
}
