import {
  checkNumber,
  checkOptions,
  FREE,
  refuseValue,
  Rejection,
  type Arrival,
  type Pressure,
  type Signal,
} from '../ground/index.ts'
import { defineGate } from './define.ts'
import type { Gate, GateCore, GateStats, Observer, Verdict } from './gate.ts'
import { costOf, priorityOf } from './waiter.ts'

/** The level of pressure from which each priority, 0 to 3, is refused. Never falling. */
export type ShedThresholds = readonly [number, number, number, number]

/** For utilisation (requirement S1.5): low priorities from 90 %, ordinary ones from 95 %, high ones from 98 %. */
export const BY_UTILIZATION: ShedThresholds = [0.9, 0.9, 0.95, 0.98]

/** From just below 1 on numbers are so far apart: turns "from" into "above". */
const STEP = 2 ** -53

/** For processor time (requirement S1.5): low priorities above 85 %, ordinary ones above 95 %, high ones never. */
export const BY_CPU: ShedThresholds = [0.85 + STEP, 0.85 + STEP, 0.95 + STEP, Infinity]

export interface ShedderOptions {
  /** What decides: `gate.pressure`, a probe, or the `worst` of several. */
  readonly pressure: Signal<Pressure>
  /** Default {@link BY_UTILIZATION}. */
  readonly thresholds?: ShedThresholds
  /** For people, metrics and refusals. Default `shedder`. */
  readonly name?: string
  readonly observer?: Observer
}

/**
 * Refuses by priority while something is under pressure: the least important first. Holds nothing and never waits. What
 * must always be served goes round it, with `when`.
 * @throws RangeError for thresholds that are not four numbers that never fall
 */
export function shedder(options: ShedderOptions): Gate {
  const { pressure, thresholds = BY_UTILIZATION } = checkOptions('shedder', options)
  if (typeof (pressure as Partial<ShedderOptions['pressure']> | undefined)?.value !== 'object')
    refuseValue('shedder.pressure', pressure, 'a signal such as `gate.pressure`')
  if ((thresholds as readonly number[]).length !== 4)
    throw new RangeError(`shedder.thresholds: expected four numbers, got ${String(thresholds)}`)
  for (const [priority, threshold] of thresholds.entries())
    checkNumber(`shedder.thresholds[${priority}]`, threshold, priority === 0 ? 0 : thresholds[priority - 1]!, Infinity)
  return defineGate(new Shedder(options.name ?? 'shedder', pressure, thresholds), options)
}

class Shedder implements GateCore {
  readonly name: string
  readonly pressure: Signal<Pressure>
  readonly stats: GateStats = { limit: Infinity, inflight: 0, queued: 0 }
  readonly #thresholds: ShedThresholds
  #closed = false

  constructor(name: string, pressure: Signal<Pressure>, thresholds: ShedThresholds) {
    this.name = name
    this.pressure = pressure
    this.#thresholds = thresholds
  }

  enter(arrival: Arrival, _mayWait: boolean): Verdict {
    costOf(arrival)
    if (this.#closed) return new Rejection('closed', this.name, 1, 0)
    const threshold = this.#thresholds[priorityOf(arrival)]
    const { level } = this.pressure.value
    return level >= threshold ? new Rejection('shed', this.name, level, threshold) : FREE
  }

  close(): void {
    this.#closed = true
  }
}
