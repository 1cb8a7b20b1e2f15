import { Source, type Instant, type Millis, type Pressure } from '../ground/index.ts'
import type { Probe } from './probe.ts'
import { Recent } from './recent.ts'
import type { Sensor } from './sensor.ts'

/** Whoever reads the instruments. */
export interface Sampling extends Disposable {
  /** Begins, unless it has begun already. */
  begin(): void
}

/** One instrument and what came of its readings. */
export class SampledProbe implements Probe {
  readonly name: string
  readonly #sampling: Sampling
  readonly #sensor: Sensor
  readonly #recent: Recent
  readonly #source: Source<Pressure> = new Source(() => this.#pressure)
  #pressure: Pressure
  #begun = false
  #last: Instant = 0

  constructor(sampling: Sampling, sensor: Sensor) {
    this.name = sensor.name
    this.#sampling = sampling
    this.#sensor = sensor
    this.#recent = new Recent(sensor.window)
    this.#pressure = { level: 0, cause: sensor.name }
  }

  get value(): Pressure {
    if (!this.#begun) this.#sampling.begin()
    return this.#pressure
  }

  subscribe(listener: (value: Pressure) => void): Disposable {
    if (!this.#begun) this.#sampling.begin()
    return this.#source.subscribe(listener)
  }

  /** Takes the first reading. */
  begin(now: Instant): void {
    this.#begun = true
    this.#last = now
    this.#become(plausible(this.#sensor.instrument.begin()))
  }

  /** Takes a reading if it is time. */
  sample(now: Instant, late: Millis): void {
    const elapsed = now - this.#last
    // Platform timers may fire up to a millisecond early.
    if (elapsed <= 0 || elapsed < this.#sensor.every - 1) return
    this.#last = now
    const level = this.#sensor.instrument.read(elapsed, late)
    this.#become(this.#recent.add(now, elapsed, plausible(level)))
  }

  /** No more readings will come. */
  end(): void {
    this.#begun = true
    this.#become(0)
  }

  [Symbol.dispose](): void {
    this.#sampling[Symbol.dispose]()
  }

  #become(level: number): void {
    if (level === this.#pressure.level) return
    this.#pressure = { level, cause: this.name }
    this.#source.changed()
  }
}

/** One reading that is no number would make every mean after it none. */
function plausible(level: number): number {
  return level >= 0 && level < Infinity ? level : 0
}
