import type { Millis } from 'sluice'

/** Something that goes wrong with a call. Tokens are counted from the first one of the answer. */
export type Fault =
  /** Instead of an answer. */
  | { readonly kind: 'overloaded' | 'server-error' | 'spend' | 'slow-down' | 'flex' }
  /** Nothing comes for so long, in ms. */
  | { readonly kind: 'stall'; readonly after: number; readonly for: Millis }
  /** The connection is gone, and the usage with it. */
  | { readonly kind: 'cut'; readonly after: number }
  /** An error in the middle of a stream; where nothing is streamed, a cut. */
  | { readonly kind: 'stream-error'; readonly after: number }

/** A fault that befalls some of the calls. */
export interface FaultRule {
  readonly fault: Fault
  /** Share of the calls, above 0 to 1. Default 1. */
  readonly share?: number
  /** From now on, in ms. Default: until it is taken back. */
  readonly for?: Millis
  /** So many calls at most. Default: no limit. */
  readonly count?: number
}

const INSTEAD = ['overloaded', 'server-error', 'spend', 'slow-down', 'flex'] as const
const DURING = ['stall', 'cut', 'stream-error'] as const

/**
 * Reads a fault out of JSON.
 * @throws RangeError that says what is wrong with it
 */
export function readFault(value: unknown): Fault {
  const { kind, after = 0, for: duration } = (value ?? {}) as Record<string, unknown>
  const instead = INSTEAD.find((name) => name === kind)
  if (instead !== undefined) return { kind: instead }
  const during = DURING.find((name) => name === kind)
  if (during === undefined) throw new RangeError(`fault.kind must be one of ${[...INSTEAD, ...DURING].join(', ')}`)
  if (!Number.isInteger(after) || (after as number) < 0) throw new RangeError('fault.after must be a number of tokens')
  if (during !== 'stall') return { kind: during, after: after as number }
  if (!(typeof duration === 'number' && duration >= 0)) throw new RangeError('fault.for must be a number of ms')
  return { kind: during, after: after as number, for: duration }
}

/**
 * Reads a rule out of JSON: a fault with `share`, `for` and `count` beside it. A stall's own `for` is its length.
 * @throws RangeError that says what is wrong with it
 */
export function readFaultRule(value: unknown): FaultRule {
  const { fault, share, for: duration, count } = (value ?? {}) as Record<string, unknown>
  const within = (name: string, number: unknown, least: number, most: number): void => {
    if (number !== undefined && !(typeof number === 'number' && number >= least && number <= most))
      throw new RangeError(`${name} must be a number from ${least} to ${most}`)
  }
  within('share', share, 0, 1)
  within('for', duration, 0, Infinity)
  within('count', count, 1, Infinity)
  return {
    fault: readFault(fault),
    ...(share !== undefined && { share: share as number }),
    ...(duration !== undefined && { for: duration as number }),
    ...(count !== undefined && { count: count as number }),
  }
}
