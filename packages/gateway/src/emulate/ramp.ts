import type { Instant, Millis } from 'sluice'
import { Bucket } from './bucket.ts'

export interface RampOptions {
  /** Below so many tokens a minute nobody minds. Default 1,000,000. */
  readonly above?: number
  /** How much more each period may bring than the one before, as a share. Default 0.5. */
  readonly growth?: number
  /** In ms. Default 15 minutes. */
  readonly period?: Millis
}

const MINUTE: Millis = 60_000

/**
 * A limit on how fast use may grow: in every period at most `1 + growth` times the average of the one before, or
 * `above` if that is more. The providers publish the rule (50 % in 15 minutes above 1 M tokens a minute), not how they
 * measure it: this bucket of a minute is ours.
 */
export class Ramp {
  readonly #above: number
  readonly #growth: number
  readonly #period: Millis
  readonly #bucket: Bucket
  #begin: Instant
  #used = 0

  constructor({ above = 1_000_000, growth = 0.5, period = 15 * MINUTE }: RampOptions, now: Instant) {
    this.#above = above
    this.#growth = growth
    this.#period = period
    this.#begin = now
    this.#bucket = new Bucket({ limit: above, window: MINUTE, now })
  }

  /** What a minute may bring now. */
  get allowed(): number {
    return this.#bucket.limit
  }

  advance(now: Instant): void {
    this.#bucket.advance(now)
    const periods = Math.floor((now - this.#begin) / this.#period)
    if (periods <= 0) return
    // A whole period without a call forgets what was before it.
    const average = periods > 1 ? 0 : this.#used / (this.#period / MINUTE)
    this.#bucket.resize(Math.max(this.#above, average * (1 + this.#growth)))
    this.#begin += periods * this.#period
    this.#used = 0
  }

  /** In ms; 0: come in. One larger than a minute's allowance waits for a full bucket. */
  wait(tokens: number): Millis {
    return this.#bucket.wait(Math.min(tokens, this.#bucket.most))
  }

  take(tokens: number): void {
    this.#bucket.take(tokens)
    this.#used += tokens
  }
}
