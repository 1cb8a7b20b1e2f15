import { checkNumber, type Millis } from '../ground/index.ts'
import type { Probe, ProbeOptions } from './probe.ts'
import { alone } from './sampler.ts'
import { sensor, type Sensor } from './sensor.ts'

export interface EventLoopDelayOptions extends ProbeOptions {
  /**
   * The delay that is a level of 1, in ms. Default 50: beyond it callers feel it, and a server that computes has work
   * for several turns before it. At least 1.
   */
  readonly threshold?: Millis
}

/**
 * How late the event loop is: the delay of a timer, every 20 ms, as a share of `threshold`, over the last 60 ms
 * (`window`). A delay counts for as long as it lasted, because an arrival is the likelier to meet it the longer it is.
 * May be far above 1. The window is short because whoever refuses everybody above 1 goes on refusing until the window
 * has forgotten: see docs/probe.md for what that costs.
 * @throws RangeError for an option out of range
 */
export function eventLoopDelay(options: EventLoopDelayOptions = {}): Probe {
  return alone(eventLoopDelaySensor(options), options)
}

export function eventLoopDelaySensor(options: EventLoopDelayOptions): Sensor {
  const threshold = checkNumber('event-loop-delay.threshold', options.threshold ?? 50, 1)
  return sensor(
    'event-loop-delay',
    options,
    { every: 20, window: 60 },
    { begin: () => 0, read: (_elapsed, late) => late / threshold },
  )
}
