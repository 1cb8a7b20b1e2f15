import { getHeapStatistics } from 'node:v8'
import type { Probe, ProbeOptions } from './probe.ts'
import { alone } from './sampler.ts'
import { sensor, type Sensor } from './sensor.ts'

/** The JavaScript heap, in bytes. */
export interface HeapUse {
  readonly used: number
  /** Where V8 ends the process. */
  readonly limit: number
}

export interface HeapOptions extends ProbeOptions {
  /** Default: `used_heap_size` and `heap_size_limit` of V8. Must not throw. */
  readonly read?: () => HeapUse
}

/**
 * The JavaScript heap in use as a share of what V8 allows it, read every 500 ms, the mean of two seconds (`window`)
 * because garbage not yet collected counts as used.
 * @throws RangeError for an option out of range
 */
export function heap(options: HeapOptions = {}): Probe {
  return alone(heapSensor(options), options)
}

export function heapSensor(options: HeapOptions): Sensor {
  const read = options.read ?? heapUse
  const level = (): number => {
    const { used, limit } = read()
    return used / limit
  }
  return sensor('heap', options, { every: 500, window: 2000 }, { begin: level, read: level })
}

function heapUse(): HeapUse {
  const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics()
  return { used, limit }
}
