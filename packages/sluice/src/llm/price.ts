import { checkNumber } from '../ground/index.ts'
import { checkKnown } from './check-known.ts'
import type { Asked, LlmUsage } from './request.ts'

/** What tokens cost, in dollars for a million of them. */
export interface Price {
  /** Of the prompt. At least 0. */
  readonly input: number
  /** Of the answer. At least 0. */
  readonly output: number
  /** Of the prompt, where the cache gave it. At least 0. Default: as `input`. */
  readonly cacheRead?: number
  /** Of the prompt, where it was written to the cache. At least 0. Default: as `input`. */
  readonly cacheWrite?: number
}

const FIGURES = ['input', 'output', 'cacheRead', 'cacheWrite'] as const

/** @throws RangeError naming the price that makes no sense */
export function checkPrice(field: string, price: Price): void {
  checkKnown(field, price, FIGURES)
  for (const name of FIGURES) {
    const value = price[name]
    if (value !== undefined || name === 'input' || name === 'output')
      checkNumber(`${field}.${name}`, value, 0, Number.MAX_SAFE_INTEGER)
  }
}

/** What a request costs, in millionths of a dollar. Where the usage does not say, what was expected stands. */
export function priceOf(price: Price, asked: Asked, usage: LlmUsage = {}): number {
  const input = usage.input ?? asked.input
  const cacheRead = Math.min(input, usage.cacheRead ?? (usage.input === undefined ? asked.cacheRead : 0))
  const cacheWrite = Math.min(input - cacheRead, usage.cacheWrite ?? 0)
  const output = usage.output ?? asked.predicted
  return (
    (input - cacheRead - cacheWrite) * price.input +
    cacheRead * (price.cacheRead ?? price.input) +
    cacheWrite * (price.cacheWrite ?? price.input) +
    output * price.output
  )
}
