import type { Metadata } from '@grpc/grpc-js'
import type { Clock, Instant, Millis } from '../ground/index.ts'

/** The trailer that says when to come back, in ms; below 0: never (gRFC A6). */
export const PUSHBACK = 'grpc-retry-pushback-ms'

/**
 * What a server says about coming back: in so many ms, or `never`. `undefined` where it says nothing. As gRFC A6 has it,
 * what cannot be read means never.
 */
export function pushbackOf(metadata: Metadata): Millis | 'never' | undefined {
  const [told] = metadata.get(PUSHBACK)
  if (told === undefined) return undefined
  return /^\d{1,10}$/.test(String(told)) ? Number(told) : 'never'
}

/** More targets than any client has; beyond it whoever was told first is forgotten. */
const MOST_TARGETS = 1024

/** Whom to leave alone, and for how long. Memory is bounded. */
export class Holds {
  readonly #clock: Clock
  readonly #longest: Millis
  readonly #until = new Map<string, Instant>()

  constructor(clock: Clock, longest: Millis) {
    this.#clock = clock
    this.#longest = longest
  }

  /** Notes what a server said. A later word does not shorten an earlier one. */
  note(target: string, pushback: Millis): void {
    const until = this.#clock.now() + Math.min(pushback, this.#longest)
    if (until <= (this.#until.get(target) ?? -Infinity)) return
    this.#until.delete(target)
    this.#until.set(target, until)
    const [oldest] = this.#until.keys()
    if (this.#until.size > MOST_TARGETS) this.#until.delete(oldest!)
  }

  /** How much longer to leave it alone, in ms; 0 when it may be called. */
  left(target: string): Millis {
    const until = this.#until.get(target)
    if (until === undefined) return 0
    const left = until - this.#clock.now()
    if (left > 0) return left
    this.#until.delete(target)
    return 0
  }
}
