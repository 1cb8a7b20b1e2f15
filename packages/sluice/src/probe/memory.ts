import { totalmem } from 'node:os'
import { memoryUsage } from 'node:process'
import { checkNumber } from '../ground/index.ts'
import { heldMemory, memoryBound, type MemoryBound } from './cgroup.ts'
import type { Probe, ProbeOptions } from './probe.ts'
import { readText } from './read-text.ts'
import { alone } from './sampler.ts'
import { sensor, type Sensor } from './sensor.ts'

export interface MemoryOptions extends ProbeOptions {
  /**
   * Bytes in use. Must not throw. Default: the resident set of this process, or, where that is more, what its cgroup
   * holds and cannot give back: the kernel counts every process of a container against the limit.
   */
  readonly read?: () => number
  /** Bytes that may be in use. At least 1. Default: the cgroup's limit where there is one, else the machine's memory. */
  readonly limit?: number
}

/**
 * Memory in use as a share of what may be used, read every 500 ms, the mean of two seconds (`window`). Measured
 * against the limit at which the kernel kills, never against a figure somebody guessed: a process whose memory stays
 * high after a busy hour is not refused for ever. The limit is read when sampling begins.
 * @throws RangeError for an option out of range
 */
export function memory(options: MemoryOptions = {}): Probe {
  return alone(memorySensor(options), options)
}

export function memorySensor(options: MemoryOptions): Sensor {
  const given = options.limit === undefined ? undefined : checkNumber('memory.limit', options.limit, 1)
  let limit = given ?? Infinity
  let read = options.read ?? ((): number => memoryUsage.rss())
  const level = (): number => read() / limit
  return sensor(
    'memory',
    options,
    { every: 500, window: 2000 },
    {
      begin() {
        const bound = memoryBound(readText)
        limit = given ?? Math.min(bound.limit, totalmem())
        if (options.read === undefined && bound.limit < totalmem()) read = (): number => inUse(bound)
        return level()
      },
      read: level,
    },
  )
}

function inUse({ statistics }: MemoryBound): number {
  const text = readText(statistics)
  const own = memoryUsage.rss()
  return text === undefined ? own : Math.max(own, heldMemory(text))
}
