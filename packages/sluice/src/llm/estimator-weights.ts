import { PARTS } from './estimator-text.ts'

/** Tokens for one of each of PARTS before anything was learned: fitted to o200k on English, code, JSON, CJK, Russian. */
const PRIOR: readonly number[] = [1.08, 0.08, 1.7, 0.6, 0.2, 0.85, 0.75, 0.7, 0.65, 0.28, 1, 3, 4, 8]
/** How far off each may be, in tokens: vocabularies of one age take five times the tokens of another for some scripts. */
const DOUBT: readonly number[] = PRIOR.map((weight, part) => (PARTS[part] === 'request' ? 40 : weight * 1.2))
/** How far a learned weight may go from where it began, as a factor. What is written around a request has no such end. */
const FURTHEST = 6
const MOST_AROUND = 1_000_000
/** How well a linear sum of parts can know a text at all: the relative error it does not try to get below. */
const NOISE = 0.06
/** How much of its first doubt a weight gets back with each text: what was learned long ago is forgotten. */
const DRIFT = 0.01
/** An error this many times its expectation is learned from as if it were this one: one odd text spoils nothing. */
const ODD = 4

const SIZE = PRIOR.length
const SPREAD: Float64Array = new Float64Array(SIZE)

/**
 * Tokens per part of a text for one model, learned from what the provider counted: recursive least squares on the
 * relative error (a Kalman filter whose weights walk at random; R. E. Kalman, 1960), clipped as by P. J. Huber (1964).
 * Under 2 kB whatever it has seen, some 2 µs to learn from one.
 */
export class TokenWeights {
  /** How many it has learned from. */
  seen = 0
  readonly #weights = Float64Array.from(PRIOR)
  readonly #doubt = new Float64Array(SIZE * SIZE)

  constructor() {
    for (let part = 0; part < SIZE; part++) this.#doubt[part * SIZE + part] = DOUBT[part]! ** 2
  }

  tokens(parts: Float64Array): number {
    let sum = 0
    for (let part = 0; part < SIZE; part++) sum += this.#weights[part]! * parts[part]!
    return sum
  }

  learn(parts: Float64Array, tokens: number): void {
    const doubt = this.#doubt
    // Everything in shares of the true count, so that long texts do not drown the short ones.
    let variance = NOISE * NOISE
    for (let row = 0; row < SIZE; row++) {
      let sum = 0
      for (let column = 0; column < SIZE; column++) sum += doubt[row * SIZE + column]! * parts[column]!
      SPREAD[row] = sum / tokens
      variance += (SPREAD[row]! * parts[row]!) / tokens
    }
    const most = ODD * Math.sqrt(variance)
    const error = Math.max(-most, Math.min(most, 1 - this.tokens(parts) / tokens))
    for (let part = 0; part < SIZE; part++) {
      const next = this.#weights[part]! + (SPREAD[part]! / variance) * error
      const first = PRIOR[part]!
      this.#weights[part] =
        PARTS[part] === 'request'
          ? Math.max(0, Math.min(MOST_AROUND, next))
          : Math.max(first / FURTHEST, Math.min(first * FURTHEST, next))
    }
    for (let row = 0; row < SIZE; row++) {
      for (let column = 0; column < SIZE; column++)
        doubt[row * SIZE + column]! -= (SPREAD[row]! * SPREAD[column]!) / variance
      const itself = row * SIZE + row
      const first = DOUBT[row]! ** 2
      // Rounding could leave a variance below nothing after very many steps; the drift keeps it above.
      doubt[itself] = Math.min(first, Math.max(0, doubt[itself]!) + first * DRIFT * DRIFT)
    }
    this.seen++
  }
}
