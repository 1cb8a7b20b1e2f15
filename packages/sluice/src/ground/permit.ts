import type { Millis } from './clock.ts'
import type { Outcome } from './outcome.ts'

/**
 * The right to do one piece of work. Ends once; later endings do nothing.
 *
 * `using permit = await gate.acquire()` ends it as `ignored` when the scope ends without a verdict: forgetting frees
 * the slot and can never teach a limit a lie.
 */
export interface Permit extends Disposable {
  readonly admitted: true
  /** How long it waited in a queue, in ms. */
  readonly waited: Millis
  /**
   * Ends the permit. Never throws.
   * @param cost what it really took, where the gate settles estimates; default: what was asked for
   */
  release(outcome: Outcome, cost?: number): void
}

/** The permit of what needs none: holds nothing, so one is enough for everybody. */
export const FREE: Permit = {
  admitted: true,
  waited: 0,
  release() {},
  [Symbol.dispose]() {},
}
