import type { Clock } from '../ground/index.ts'
import type { Pipeline } from './pipeline.ts'

/** The place of one request among those of its connection. Taken in turn, and given up once. */
export class Place {
  readonly #pipeline: Pipeline
  readonly #most: number
  readonly #clock: Clock
  #taken = false
  #left = false

  /** @param most how many of its connection are taken up at once */
  constructor(pipeline: Pipeline, most: number, clock: Clock) {
    this.#pipeline = pipeline
    this.#most = most
    this.#clock = clock
  }

  /** Calls `begin` when its turn has come, at once or later, and never once it was given up. Says whether it was at once. */
  take(begin: () => void): boolean {
    const pipeline = this.#pipeline
    const start = (): void => {
      if (this.#left) return
      this.#taken = true
      pipeline.open++
      begin()
    }
    const atOnce = pipeline.takes(this.#most)
    if (atOnce) start()
    else pipeline.hold(start, this.#most, this.#clock)
    return atOnce
  }

  /** It waits at a gate, or does no longer: as long as it does, those behind it stay behind it. */
  waits(waiting: boolean): void {
    this.#pipeline.waiting = waiting
    if (!waiting) this.#pipeline.advance()
  }

  leave(): void {
    if (this.#left) return
    this.#left = true
    if (!this.#taken) return
    this.#pipeline.open--
    this.#pipeline.advance()
  }
}
