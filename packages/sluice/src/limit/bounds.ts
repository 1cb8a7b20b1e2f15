import { checkNumber, checkOptions } from '../ground/index.ts'

/** Where a limit may go, and where it begins, for an algorithm that cannot find that out from latency alone. */
export interface BoundsOptions {
  /** The lowest limit, in progress. At least 1. Default 10, or `max` where that is lower. */
  readonly min?: number
  /** The highest limit, in progress. At least `min`. Default 1000, or `min` where that is higher. */
  readonly max?: number
  /** The first limit, from `min` to `max`. Default 100, or whichever of `min` and `max` is nearest to it. */
  readonly initial?: number
}

/** Bounds that make sense. */
export interface Bounds {
  readonly min: number
  readonly max: number
  readonly initial: number
  /** The nearest limit within the bounds. */
  readonly within: (limit: number) => number
}

/**
 * Checks bounds and fills in what is left out.
 * @throws RangeError naming the option, e.g. `vegas.min`
 */
export function bounds(name: string, options: BoundsOptions): Bounds {
  checkOptions(name, options)
  const lowest = options.min === undefined ? 1 : checkNumber(`${name}.min`, options.min, 1)
  const max = checkNumber(`${name}.max`, options.max ?? Math.max(1000, lowest), lowest)
  const min = options.min === undefined ? Math.min(10, max) : lowest
  const within = (limit: number): number => Math.min(max, Math.max(min, limit))
  return { min, max, within, initial: checkNumber(`${name}.initial`, options.initial ?? within(100), min, max) }
}
