import type { Metadata } from '@grpc/grpc-js'
import type { Clock, Millis, Random, Rejection, WallClock } from '../ground/index.ts'
import type { Gate, RetryBudget } from '../gate/index.ts'
import type { Lane } from '../http/index.ts'
import type { LoadReport } from './load-report.ts'

/** What is known of a call before it is made. */
export interface OutgoingCall {
  /** `/package.Service/Method`. */
  readonly path: string
  /** What the client was made for: `dns:orders.internal:50051`. */
  readonly target: string
  readonly metadata: Metadata
  /** How often it was tried before: `grpc-previous-rpc-attempts` in its metadata, put there by whoever retries. */
  readonly attempts: number
  /** How long its caller will wait from now on, in ms; `Infinity` where it does not say. */
  readonly timeLeft: Millis
}

/** Options of `clientInterceptor`. */
export interface ClientInterceptorOptions {
  /**
   * Who decides. A `series` with a `breaker`, a `keyed` gate, or both. Default: a `limiter` for each key, which finds by
   * itself how many calls the target takes at once.
   */
  readonly gate?: Gate
  /** True for calls that never meet the gate. Default: none. */
  readonly bypass?: (call: OutgoingCall) => boolean
  /** How much a call matters; lane `critical` never meets the gate. Default: every call is `normal`. */
  readonly classify?: (call: OutgoingCall) => Lane | undefined
  /** What a `keyed` gate, the default one too, tells calls apart by. Default: the target. */
  readonly key?: (call: OutgoingCall) => string | undefined
  /** What a call takes, in units of the limit; above 0. Default 1. */
  readonly cost?: (call: OutgoingCall) => number
  /**
   * How long a call may take at most, waiting included, in ms; above 0. What is left of it when the call is let in goes
   * over the wire. A shorter deadline of the call itself counts. Default: no end, save that of the call.
   */
  readonly deadline?: Millis
  /**
   * Bounds calls that are tried again ({@link OutgoingCall.attempts} above 0) to a share of those that are new. Beyond it
   * they end with RESOURCE_EXHAUSTED, unsent. Default: retries are calls like all others.
   */
  readonly retryBudget?: RetryBudget
  /**
   * What a `grpc-retry-pushback-ms` in an answer keeps calls from until then: the whole target, the same method of it, or
   * nothing. Default `target`.
   */
  readonly pushback?: 'target' | 'method' | 'none'
  /** The longest such a pause is obeyed, in ms; above 0. Default 60,000. */
  readonly maxPause?: Millis
  /** Hears of each load report (ORCA) in an answer. Must not throw. Default: nobody does. */
  readonly onLoadReport?: (report: LoadReport, call: OutgoingCall) => void
  /** Hears of each call that was refused here. What it throws surfaces by itself. Default: nobody does. */
  readonly onReject?: (rejection: Rejection, call: OutgoingCall) => void
  /** Decide, count, and send every call all the same: how one begins. Default false. */
  readonly dryRun?: boolean
  /** Default: that of the gate. */
  readonly clock?: Clock
  /** Spreads when those refused here are told to come back. Default: the platform's. */
  readonly random?: Random
  /**
   * What deadlines are read with, in ms since 1970. Default: the clock as it was when the process started, carried on
   * evenly. Hand in `Date.now` where clocks are set by leaps.
   */
  readonly wallClock?: WallClock
}
