import type { Clock, Millis, Pressure, Signal } from '../ground/index.ts'

/**
 * A pressure of this process: 0 idle, 1 full. Sampling begins with the first reading or subscription, on a timer that
 * keeps no process alive; reading `value` afterwards is reading a field. Listeners are told when the level has moved.
 * Disposing ends the sampling for good and leaves a level of 0, so that nobody is refused by a dead probe.
 */
export interface Probe extends Signal<Pressure>, Disposable {
  /** The cause it names. */
  readonly name: string
}

/** What every probe takes. */
export interface ProbeOptions {
  /** Default: the platform's. */
  readonly clock?: Clock
  /** Time between two readings, in ms. At least 1; the default is the probe's own. */
  readonly every?: Millis
  /**
   * How much of the past counts, in ms. From `every` to a thousand times it; the default is the probe's own. Readings
   * older than this have no part in the level.
   */
  readonly window?: Millis
}
