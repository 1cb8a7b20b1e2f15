import type { Millis, Random } from 'sluice'
import type { Phase } from './load.ts'

/**
 * When each arrival is due, in ms after the start, phase by phase. Within a phase arrival k is due k/rate after the
 * phase began, or, given a source of chance, as a Poisson process of that rate. Nothing that happens can shift it.
 * @throws RangeError for a phase with a rate or a duration out of range
 */
export class Schedule {
  /** When the next one is due; `Infinity` after the last. */
  due: Millis = 0
  /** The number of its phase. */
  phase = 0
  /** When its phase began. */
  begin: Millis = 0
  /** When the last phase ends. */
  readonly end: Millis

  readonly #phases: readonly Phase[]
  readonly #random: Random | undefined
  /** Of the next arrival, in its phase. */
  #index = 0

  constructor(phases: readonly Phase[], random?: Random) {
    this.#phases = phases
    this.#random = random
    let end = 0
    for (const { name, rate, duration } of phases) {
      if (!(rate >= 0 && rate < Infinity)) throw new RangeError(`phase ${name}: rate must be at least 0, not ${rate}`)
      if (!(duration > 0 && duration < Infinity))
        throw new RangeError(`phase ${name}: duration must be above 0 ms, not ${duration}`)
      end += duration
    }
    this.end = end
    this.#aim(0)
  }

  /** Goes on to the next arrival. */
  advance(): void {
    this.#index++
    this.#aim(this.due)
  }

  #aim(last: Millis): void {
    for (; ; this.phase++) {
      const phase = this.#phases[this.phase]
      if (phase === undefined) {
        this.due = Infinity
        return
      }
      // From the beginning each time, not from the last one: no rounding error grows with the length of the run.
      const due =
        this.#random === undefined
          ? this.begin + (this.#index * 1000) / phase.rate
          : last - (Math.log(1 - this.#random()) * 1000) / phase.rate
      if (due < this.begin + phase.duration) {
        this.due = due
        return
      }
      this.begin += phase.duration
      this.#index = 0
      // A Poisson process has no memory: it may start afresh where its rate changes.
      last = this.begin
    }
  }
}
