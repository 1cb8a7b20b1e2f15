import type { Arrival, Gate, Millis, Random } from '../../src/index.ts'
import { seeded } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'

/** A service in virtual time: `slots` workers and an unbounded queue behind them, as most services are. */
export class Plant {
  slots: number
  service: () => Millis
  readonly #clock: VirtualClock
  readonly #waiting: (() => void)[] = []
  #head = 0
  #busy = 0

  constructor(clock: VirtualClock, slots: number, service: () => Millis) {
    this.#clock = clock
    this.slots = slots
    this.service = service
  }

  /** Does one piece of work and calls `done` when it is finished. Work whose caller has gone is done all the same. */
  work(done: () => void): void {
    this.#waiting.push(done)
    this.#start()
  }

  #start(): void {
    while (this.#busy < this.slots && this.#head < this.#waiting.length) {
      const done = this.#waiting[this.#head++]!
      this.#busy++
      this.#clock.after(this.service(), () => {
        this.#busy--
        done()
        this.#start()
      })
    }
  }
}

export interface Phase {
  readonly seconds: number
  /** Offered load, arrivals per second. */
  readonly rate: number
  /** Changes the plant as the phase begins. */
  readonly change?: (plant: Plant) => void
}

export interface PhaseResult {
  readonly offered: number
  readonly rejected: number
  /** Answered within the bound, per second. */
  readonly goodput: number
  /** Latency of all who were admitted, from arrival to answer. */
  readonly p50: Millis
  readonly p99: Millis
  /** The limit at most times: the median of one look every 100 ms. */
  readonly limit: number
}

export interface RunOptions {
  readonly slots: number
  readonly service: (random: Random) => () => Millis
  readonly phases: readonly Phase[]
  /** None: no control at all (the control arm). */
  readonly gate?: (clock: VirtualClock, random: Random) => Gate
  /** An answer later than this is not good, in ms. Default 500. */
  readonly bound?: Millis
  readonly seed?: number
  /** Left out at the start of each phase, in seconds. Default 0. */
  readonly settle?: number
  readonly arrival?: (random: Random) => Arrival
}

/** Offers Poisson arrivals to a gate before a plant, open loop, in virtual time. */
export function run(options: RunOptions): PhaseResult[] {
  const clock = new VirtualClock(1000)
  const random = seeded(options.seed ?? 1)
  const plant = new Plant(clock, options.slots, options.service(random))
  const gate = options.gate?.(clock, random)
  const bound = options.bound ?? 500
  return options.phases.map((phase) => {
    phase.change?.(plant)
    const begin = clock.now()
    const from = begin + (options.settle ?? 0) * 1000
    const end = begin + phase.seconds * 1000
    const latencies: number[] = []
    let offered = 0
    let rejected = 0
    const arrive = (): void => {
      const due = clock.now()
      if (due >= end) return
      clock.after((-Math.log(1 - random()) * 1000) / phase.rate, arrive)
      const counts = due >= from
      if (counts) offered++
      const done = (): void => {
        if (counts && clock.now() < end + 60_000) latencies.push(clock.now() - due)
      }
      if (gate === undefined) return plant.work(done)
      gate.enter(options.arrival?.(random) ?? {}, (verdict) => {
        if (!verdict.admitted) {
          if (counts) rejected++
          return
        }
        plant.work(() => {
          verdict.release('success')
          done()
        })
      })
    }
    const limits: number[] = []
    const look = (): void => {
      limits.push(gate?.stats.limit ?? Infinity)
      if (clock.now() < end) clock.after(100, look)
    }
    arrive()
    look()
    clock.advanceTo(end)
    limits.sort((a, b) => a - b)
    const limit = limits[Math.floor(limits.length / 2)]!
    latencies.sort((a, b) => a - b)
    const at = (q: number): number => latencies[Math.min(latencies.length - 1, Math.floor(q * latencies.length))] ?? 0
    const good = latencies.filter((latency) => latency <= bound).length
    return { offered, rejected, goodput: good / ((end - from) / 1000), p50: at(0.5), p99: at(0.99), limit }
  })
}

/** Always the same service time. */
export const constant = (mean: Millis) => (): (() => Millis) => () => mean

/** Gamma-like spread around a mean: cv 0.6, the shape of a well-behaved service. */
export const spread =
  (mean: Millis, shape = 3) =>
  (random: Random): (() => Millis) =>
  () => {
    let product = 1
    for (let k = 0; k < shape; k++) product *= 1 - random()
    return (-Math.log(product) * mean) / shape
  }

/** Most are quick, one in twenty takes fifty times as long. */
export const bimodal =
  (quick: Millis, slow: Millis, share = 0.05) =>
  (random: Random): (() => Millis) =>
  () =>
    random() < share ? slow : quick
