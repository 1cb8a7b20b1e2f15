import { checkWhole } from '../ground/index.ts'
import { TokenMeasure } from './estimator-measure.ts'
import { TokenWeights } from './estimator-weights.ts'

export interface TokenEstimatorOptions {
  /** For how many models weights are kept, about 2 kB each; the one unused for longest goes first. Default: 64. */
  readonly models?: number
}

/** Says how many tokens something is, without a vocabulary, and learns from what providers count. */
export interface TokenEstimator {
  /** A text by itself, in whole tokens. At most about half a ms, however long it is and whatever is in it. */
  estimate(text: string, model?: string): number
  /** What was measured, in whole tokens. */
  tokens(measure: TokenMeasure, model?: string): number
  /** What was measured was `tokens` by the provider's own count. A count that cannot be is not learned from. */
  learn(measure: TokenMeasure, tokens: number, model?: string): void
  /** From how many counts it has learned about a model. */
  seen(model?: string): number
}

/** More than any model takes: a count above it is a mistake. */
const MOST = 100_000_000

class Estimator implements TokenEstimator {
  readonly #first = new TokenWeights()
  readonly #known = new Map<string, TokenWeights>()
  readonly #capacity: number

  constructor({ models = 64 }: TokenEstimatorOptions) {
    this.#capacity = checkWhole('estimator.models', models, 1, 100_000)
  }

  estimate(text: string, model?: string): number {
    return this.tokens(new TokenMeasure().text(text), model)
  }

  tokens(measure: TokenMeasure, model = ''): number {
    const weights = this.#known.get(model) ?? this.#first
    return Math.ceil(measure.media + weights.tokens(measure.parts))
  }

  learn(measure: TokenMeasure, tokens: number, model = ''): void {
    // Pictures are counted by a table. Where they are most of it, what is left over says little about the text.
    const text = tokens - measure.media
    if (!(tokens > 0 && tokens <= MOST && text > tokens / 2)) return
    let weights = this.#known.get(model)
    if (weights === undefined) {
      weights = new TokenWeights()
      if (this.#known.size >= this.#capacity)
        for (const oldest of this.#known.keys()) {
          this.#known.delete(oldest)
          break
        }
    } else this.#known.delete(model)
    this.#known.set(model, weights)
    weights.learn(measure.parts, text)
  }

  seen(model = ''): number {
    return this.#known.get(model)?.seen ?? 0
  }
}

/** An estimator of its own; processes that share a key learn each for themselves. */
export function tokenEstimator(options: TokenEstimatorOptions = {}): TokenEstimator {
  return new Estimator(options)
}
