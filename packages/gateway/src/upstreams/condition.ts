import type { Clock, Instant, Millis } from 'sluice'

/** When a server is taken out, and when it comes back. */
export interface ConditionOptions {
  /** So many bad checks in a row take it out, so many good ones take it back. At least 1. */
  readonly failAfter: number
  readonly passAfter: number
  /** So many bad answers in a row take it out for a while. 0: never. */
  readonly failures: number
  /** For how long, in ms. */
  readonly restFor: Millis
  readonly clock: Clock
}

/**
 * Whether a server should be asked: by checks, which have hysteresis in both directions, and by what it answers. One that
 * was taken out for its answers gets a single request when its time is up, and only a good answer to that takes it back.
 */
export class Condition {
  readonly #options: ConditionOptions
  /** Checks of the other kind than the present state, in a row. */
  #contrary = 0
  #well = true
  #bad = 0
  /** What was wrong at last: with a check, with a request. */
  #ill = ''
  #wrong = ''
  #restUntil: Instant | undefined
  #trying = false

  constructor(options: ConditionOptions) {
    this.#options = options
  }

  /** True when it may be asked. */
  get fit(): boolean {
    if (!this.#well) return false
    if (this.#restUntil === undefined) return true
    return !this.#trying && this.#options.clock.now() >= this.#restUntil
  }

  /** Why it may not; empty when it may. */
  get because(): string {
    if (!this.#well) return `its health check fails: ${this.#ill}`
    return this.fit ? '' : `it failed several requests in a row: ${this.#wrong}`
  }

  /** A request goes out to it. */
  asked(): void {
    if (this.#restUntil !== undefined) this.#trying = true
  }

  /**
   * @param good what came of a request; `undefined` where nothing can be said
   * @param wrong why that is not good
   */
  answered(good: boolean | undefined, wrong: string): void {
    const { failures, restFor, clock } = this.#options
    if (good === undefined) {
      this.#trying = false
      return
    }
    if (good) {
      this.#bad = 0
      this.#restUntil = undefined
      this.#trying = false
      return
    }
    this.#bad++
    this.#wrong = wrong
    if (failures === 0 || (this.#restUntil === undefined && this.#bad < failures)) return
    this.#restUntil = clock.now() + restFor
    this.#trying = false
  }

  /**
   * What a check found.
   * @param ill what is wrong; `undefined` where nothing is
   */
  checked(ill: string | undefined): void {
    const good = ill === undefined
    if (!good) this.#ill = ill

    if (good === this.#well) {
      this.#contrary = 0
      return
    }
    const { failAfter, passAfter } = this.#options
    if (++this.#contrary < (good ? passAfter : failAfter)) return
    this.#well = good
    this.#contrary = 0
  }
}
