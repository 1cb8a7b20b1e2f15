import { availableParallelism } from 'node:os'
import { cpuUsage } from 'node:process'
import { checkNumber, type Millis } from '../ground/index.ts'
import { cpuQuota } from './cgroup.ts'
import type { Probe, ProbeOptions } from './probe.ts'
import { readText } from './read-text.ts'
import { alone } from './sampler.ts'
import { sensor, type Sensor } from './sensor.ts'

export interface CpuOptions extends ProbeOptions {
  /** Processor time this process has used, in ms, from any beginning. Default: `process.cpuUsage()`. Must not throw. */
  readonly read?: () => Millis
  /**
   * How many processors it may use; may be fractional. At least 0.001. Default: those available to it, or its cgroup's quota
   * where that is less.
   */
  readonly cores?: number
}

/**
 * Processor time of all threads of this process over the last second (`window`), as a share of what it could have
 * used, read every 100 ms. One busy thread on four processors is 0.25: for a thread see `eventLoopUtilization`.
 * @throws RangeError for an option out of range
 */
export function cpu(options: CpuOptions = {}): Probe {
  return alone(cpuSensor(options), options)
}

export function cpuSensor(options: CpuOptions): Sensor {
  const read = options.read ?? usedSoFar
  let cores = options.cores === undefined ? 1 : checkNumber('cpu.cores', options.cores, 0.001)
  let before: Millis = 0
  return sensor(
    'cpu',
    options,
    { every: 100, window: 1000 },
    {
      begin() {
        if (options.cores === undefined) cores = availableCores()
        before = read()
        return 0
      },
      read(elapsed) {
        const now = read()
        const used = now - before
        before = now
        return used / (elapsed * cores)
      },
    },
  )
}

function usedSoFar(): Millis {
  const { user, system } = cpuUsage()
  return (user + system) / 1000
}

/** How many processors this process may use. */
function availableCores(): number {
  return Math.min(availableParallelism(), cpuQuota(readText))
}
