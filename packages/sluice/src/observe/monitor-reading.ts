import type { Instant, Millis } from '../ground/index.ts'

/** How a gate and its queue are doing. Rates and waits are of the last `window` ms, never since the beginning. */
export interface MonitorReading {
  /** When it was taken. */
  readonly at: Instant
  /** Arrivals waiting now. */
  readonly depth: number
  /** Arrivals that began to wait, per second. */
  readonly enqueueRate: number
  /** Arrivals that left the queue, served or not, per second. */
  readonly dequeueRate: number
  /** Average wait of those let in, in ms: over all of them, also those who did not wait. 0 when nobody was let in. */
  readonly waitAverage: Millis
  /** Longest wait of those let in, or of somebody who waits still if that is longer, in ms, to within `every`. */
  readonly waitMax: Millis
  /** Arrivals let in, per second. */
  readonly admitRate: number
  /** Arrivals turned away, whatever the reason, per second. */
  readonly rejectRate: number
  /** In flight as a share of the limit, now: 0 idle, 1 full. 0 where there is no limit. */
  readonly utilization: number
}
