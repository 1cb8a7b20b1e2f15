import { checkNumber, checkWhole, systemClock, type Clock, type Millis } from '../ground/index.ts'
import type { TokenEstimator } from './estimator.ts'

export interface ExactTokensOptions {
  /** Counts the tokens of a short text: `countTokens` of gpt-tokenizer, or the length of what `encode` answers. */
  readonly count: (text: string) => number
  /** Says the rest where the time is up. */
  readonly estimator: TokenEstimator
  /** How long it may count on the event loop, in ms; one slice more at most. Default: 1. */
  readonly budget?: Millis
  /**
   * How much it counts at once, in characters. Exact byte-pair encoding takes time by the square of an unbroken run, so
   * this is what bounds one slice. Slices end behind a word where there is one. Default: 256.
   */
  readonly slice?: number
  /** Default: the platform's. */
  readonly clock?: Clock
}

/** What came of counting. */
export interface ExactCount {
  readonly tokens: number
  /** The share of the text that was counted and not estimated; 1 is all of it. */
  readonly counted: number
}

/** How far back from its end a slice looks for white space to end at, as a share of it. */
const LOOK_BACK = 0.5

/**
 * Counts with somebody's tokenizer for as long as the budget lasts, in slices; the rest is estimated, and corrected by
 * how far the estimate was off for what was counted. A text of one unbroken run, which would hold the event loop for
 * seconds, costs the budget and one slice.
 */
export function exactTokens(options: ExactTokensOptions): (text: string, model?: string) => ExactCount {
  const { count, estimator, clock = systemClock } = options
  const budget = checkNumber('exactTokens.budget', options.budget ?? 1, 0, 1000)
  const slice = checkWhole('exactTokens.slice', options.slice ?? 256, 16, 65_536)
  return (text, model) => {
    const end = clock.now() + budget
    let tokens = 0
    let at = 0
    while (at < text.length && clock.now() < end) {
      const to = sliceEnd(text, at, slice)
      tokens += count(text.slice(at, to))
      at = to
    }
    if (at >= text.length) return { tokens, counted: 1 }
    const guessed = at === 0 ? 0 : estimator.estimate(text.slice(0, at), model)
    const ratio = guessed > 0 && tokens > 0 ? tokens / guessed : 1
    return {
      tokens: tokens + Math.ceil(estimator.estimate(text.slice(at), model) * ratio),
      counted: at / text.length,
    }
  }
}

function sliceEnd(text: string, from: number, length: number): number {
  const most = from + length
  if (most >= text.length) return text.length
  const least = from + Math.floor(length * LOOK_BACK)
  for (let at = most; at > least; at--) {
    const unit = text.charCodeAt(at)
    // Tokens begin with the blank before a word; so does the next slice.
    if (unit === 32 || unit === 10) return at
  }
  // Never between the halves of one character.
  const last = text.charCodeAt(most - 1)
  return last >= 0xd800 && last < 0xdc00 ? most - 1 : most
}
