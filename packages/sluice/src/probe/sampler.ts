import { systemClock, type Clock, type Instant, type Millis, type Timer } from '../ground/index.ts'
import type { Probe, ProbeOptions } from './probe.ts'
import { SampledProbe, type Sampling } from './sampled-probe.ts'
import type { Sensor } from './sensor.ts'

/** Reads any number of instruments on one background timer, each as often as it asks to be. */
export class Sampler implements Sampling {
  readonly probes: readonly SampledProbe[]
  readonly #clock: Clock
  readonly #every: Millis
  readonly #sampled: () => void
  #timer: Timer | undefined
  #state: 'idle' | 'sampling' | 'ended' = 'idle'

  /** @param sampled called when the instruments have been read, and once at the end */
  constructor(clock: Clock, sensors: readonly Sensor[], sampled: () => void = () => {}) {
    this.#clock = clock
    this.#every = Math.min(...sensors.map((sensor) => sensor.every))
    this.#sampled = sampled
    this.probes = sensors.map((sensor) => new SampledProbe(this, sensor))
  }

  begin(): void {
    if (this.#state !== 'idle') return
    this.#state = 'sampling'
    const now = this.#clock.now()
    for (const probe of this.probes) probe.begin(now)
    this.#sampled()
    this.#arm(now)
  }

  [Symbol.dispose](): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.#timer?.cancel()
    for (const probe of this.probes) probe.end()
    this.#sampled()
  }

  #arm(now: Instant): void {
    // A listener may have disposed of it meanwhile.
    if (this.#state !== 'sampling') return
    const due = now + this.#every
    this.#timer = this.#clock.after(this.#every, () => this.#sample(due), { background: true })
  }

  #sample(due: Instant): void {
    const now = this.#clock.now()
    const late = Math.max(0, now - due)
    for (const probe of this.probes) if (this.#state === 'sampling') probe.sample(now, late)
    if (this.#state === 'sampling') this.#sampled()
    this.#arm(now)
  }
}

/** A probe with a timer of its own. */
export function alone(sensor: Sensor, options: ProbeOptions): Probe {
  return new Sampler(options.clock ?? systemClock, [sensor]).probes[0]!
}
