import { InvalidArgumentError } from 'commander'
import type { Millis } from 'sluice'
import { inWords, millisOf } from '../config/index.ts'

/** Bounds of a duration, both allowed, in ms. */
export interface DurationBounds {
  /** Default 0. */
  readonly min?: Millis
  /** Default: none. */
  readonly max?: Millis
}

/**
 * Reads a duration as people write it: `500ms`, `20s`, `1.5m`, `1h`. Always with a unit.
 * @throws RangeError that says in one line what was wrong and what would be right
 */
export function duration(text: string, { min = 0, max = Infinity }: DurationBounds = {}): Millis {
  const value = millisOf(text)
  if (value === undefined)
    throw new RangeError(`"${text}" is not a duration; write a number and ms, s, m or h, like 20s`)
  if (value < min) throw new RangeError(`${text} is too short; the least is ${inWords(min)}`)
  if (value > max) throw new RangeError(`${text} is too long; the most is ${inWords(max)}`)
  return value
}

/** The same for commander: `option('--for <duration>', '…', durationArgument({ min: 10_000 }))`. Bad usage exits 2. */
export function durationArgument(bounds?: DurationBounds): (text: string) => Millis {
  return (text) => {
    try {
      return duration(text, bounds)
    } catch (error) {
      const refused = new InvalidArgumentError(error instanceof Error ? error.message : String(error))
      refused.exitCode = 2
      throw refused
    }
  }
}
