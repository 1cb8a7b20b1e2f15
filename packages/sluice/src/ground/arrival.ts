import type { Instant, Millis } from './clock.ts'

/**
 * How much it matters, in the words of Google's SRE book ("Handling Overload"):
 * 0 sheddable · 1 sheddable plus · 2 critical (what an ordinary request is) · 3 critical plus.
 */
export type Priority = 0 | 1 | 2 | 3

/** The priority of an arrival that does not say. */
export const ORDINARY: Priority = 2

/** What asks to come in. `{}` is an ordinary request. */
export interface Arrival {
  /** Whom to be fair to: a tenant, an API key, a topic. Default: everybody together. */
  readonly flow?: string
  /** Default 2. */
  readonly priority?: Priority
  /** What it takes: slots, tokens. Finite and above 0; default 1. */
  readonly cost?: number
  /** An answer later than this is worth nothing. On the gate's clock. Default: none. */
  readonly deadline?: Instant
  /** How long it is willing to wait, in ms; 0 is now or never. Default: what the queue allows. */
  readonly maxWait?: Millis
}
