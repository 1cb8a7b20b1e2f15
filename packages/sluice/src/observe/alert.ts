import type { EpisodeOptions } from './episode.ts'
import type { MonitorReading } from './monitor-reading.ts'

/** A figure of a reading that a condition may name. */
export type MonitorMetric = Exclude<keyof MonitorReading, 'at'>

/** A figure and its threshold. */
export interface AlertCondition extends EpisodeOptions {
  readonly metric: MonitorMetric
}

/** What to look out for, and what to do about it. */
export interface Alert {
  /** For people; told to the actions. */
  readonly name: string
  /** A figure with its threshold, or a question put to each reading. */
  readonly when: AlertCondition | ((reading: MonitorReading) => boolean)
  /** What to do: warn, call a scale-out hook, switch on shedding. Called once per episode, when it begins. */
  readonly action: (notice: AlertNotice) => unknown
  /** Called once when the episode is over. */
  readonly cleared?: (notice: AlertNotice) => unknown
}

/** What an action is told. */
export interface AlertNotice {
  readonly alert: string
  /** The name of the gate. */
  readonly gate: string
  /** The reading that began or ended the episode. */
  readonly reading: MonitorReading
}
