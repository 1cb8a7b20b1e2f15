import { performance } from 'node:perf_hooks'
import type { Millis } from '../ground/index.ts'
import type { Probe, ProbeOptions } from './probe.ts'
import { alone } from './sampler.ts'
import { sensor, type Sensor } from './sensor.ts'

/** How long the event loop has waited for events and how long it has not, in ms, from any beginning. */
export interface LoopTimes {
  readonly idle: Millis
  readonly active: Millis
}

export interface EventLoopUtilizationOptions extends ProbeOptions {
  /** Default: what `performance.eventLoopUtilization()` says. Must not throw. */
  readonly read?: () => LoopTimes
}

/**
 * The share of the last second (`window`) in which the event loop had something to do, read every 100 ms. Always a
 * difference of two readings: against the start of the process a day of calm would hide any spike.
 * @throws RangeError for an option out of range
 */
export function eventLoopUtilization(options: EventLoopUtilizationOptions = {}): Probe {
  return alone(eventLoopUtilizationSensor(options), options)
}

export function eventLoopUtilizationSensor(options: EventLoopUtilizationOptions): Sensor {
  const read = options.read ?? ((): LoopTimes => performance.eventLoopUtilization())
  let before: LoopTimes = { idle: 0, active: 0 }
  return sensor(
    'event-loop-utilization',
    options,
    { every: 100, window: 1000 },
    {
      begin() {
        before = read()
        return 0
      },
      read() {
        const now = read()
        const active = now.active - before.active
        const idle = now.idle - before.idle
        before = now
        return active / (active + idle)
      },
    },
  )
}
