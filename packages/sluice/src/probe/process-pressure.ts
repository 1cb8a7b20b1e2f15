import { Source, systemClock, worst, type Clock, type Pressure, type Signal } from '../ground/index.ts'
import { cpuSensor, type CpuOptions } from './cpu.ts'
import { eventLoopDelaySensor, type EventLoopDelayOptions } from './event-loop-delay.ts'
import { eventLoopUtilizationSensor, type EventLoopUtilizationOptions } from './event-loop-utilization.ts'
import { heapSensor, type HeapOptions } from './heap.ts'
import { memorySensor, type MemoryOptions } from './memory.ts'
import type { Probe } from './probe.ts'
import { Sampler } from './sampler.ts'
import type { Sensor } from './sensor.ts'

/** Options for each probe; `false` leaves it out. At least one must stay. */
export interface ProcessPressureOptions {
  /** For all of them; a `clock` of a single probe is not looked at. Default: the platform's. */
  readonly clock?: Clock
  readonly eventLoopDelay?: EventLoopDelayOptions | false
  readonly eventLoopUtilization?: EventLoopUtilizationOptions | false
  readonly cpu?: CpuOptions | false
  readonly heap?: HeapOptions | false
  readonly memory?: MemoryOptions | false
}

/** The worst of several probes, and each of them. */
export interface ProcessPressure extends Probe {
  /** The probes by the cause they name. Disposing one ends them all. */
  readonly parts: ReadonlyMap<string, Signal<Pressure>>
}

/**
 * The pressure of this process: the worst of event-loop delay, event-loop utilisation, processor, heap and memory, with
 * its name as the cause. All of them share one timer, and the worst is found there: reading it is reading a field.
 * @throws RangeError for an option out of range, or when every probe is left out
 */
export function processPressure(options: ProcessPressureOptions = {}): ProcessPressure {
  const sensors = [
    chosen(eventLoopDelaySensor, options.eventLoopDelay),
    chosen(eventLoopUtilizationSensor, options.eventLoopUtilization),
    chosen(cpuSensor, options.cpu),
    chosen(heapSensor, options.heap),
    chosen(memorySensor, options.memory),
  ].flat()
  if (sensors.length === 0) throw new RangeError('processPressure: expected at least one probe, got none')
  return new WorstOfProcess(options.clock ?? systemClock, sensors)
}

function chosen<O extends object>(make: (options: O) => Sensor, options: O | false | undefined): Sensor[] {
  return options === false ? [] : [make(options ?? ({} as O))]
}

class WorstOfProcess implements ProcessPressure {
  readonly name = 'process'
  readonly parts: ReadonlyMap<string, Signal<Pressure>>
  readonly #sampler: Sampler
  readonly #source: Source<Pressure> = new Source(() => this.#pressure)
  readonly #worst: Signal<Pressure>
  #pressure: Pressure = { level: 0, cause: 'process' }

  constructor(clock: Clock, sensors: readonly Sensor[]) {
    this.#sampler = new Sampler(clock, sensors, () => this.#sampled())
    this.parts = new Map(this.#sampler.probes.map((probe) => [probe.name, probe]))
    this.#worst = worst(...this.#sampler.probes)
  }

  get value(): Pressure {
    this.#sampler.begin()
    return this.#pressure
  }

  subscribe(listener: (value: Pressure) => void): Disposable {
    this.#sampler.begin()
    return this.#source.subscribe(listener)
  }

  [Symbol.dispose](): void {
    this.#sampler[Symbol.dispose]()
  }

  #sampled(): void {
    const { level, cause: part } = this.#worst.value
    const cause = level === 0 ? this.name : part
    if (level === this.#pressure.level && cause === this.#pressure.cause) return
    this.#pressure = { level, cause }
    this.#source.changed()
  }
}
