import type { Millis } from 'sluice'
import type { Plan } from '../config/index.ts'

/** What a child process of the demo is told to be, as JSON in its first argument. */
export type ChildRole =
  | { readonly role: 'upstream'; readonly slots: number; readonly service: Millis }
  | { readonly role: 'gateway'; readonly upstream: string; readonly protect: boolean; readonly plan?: Plan }

/** What a child holds: in progress, waiting, and, for a gate, how much may be in progress. */
export interface ChildLoad {
  readonly limit?: number
  readonly inflight: number
  readonly queued: number
  /** Of a gate: let in so far, and what they waited, added up, in ms. */
  readonly admissions?: number
  readonly waitTotal?: Millis
}

/** What an upstream is told by its parent: how it is to be from now on. */
export interface ChildOrder {
  readonly service: Millis
  /** Of its answers, in percent. */
  readonly errors: number
}

/** What a child tells its parent: first `port` or `error`, then its load several times a second. */
export type ChildMessage =
  | { readonly port: number; readonly adminPort: number }
  | { readonly error: string }
  | { readonly load: ChildLoad }
