import type { Arrival, Millis, World } from '../ground/index.ts'
import type { Gate, RetryBudgetOptions } from '../gate/index.ts'
import type { ThrottleOptions } from './throttle.ts'

/** What is known of a request before it is sent. */
export interface Outgoing {
  /** Scheme, host and port; empty where a dispatcher knows only one. */
  readonly origin: string
  /** In capitals. */
  readonly method: string
  /** @param name in lower case */
  header(name: string): string | undefined
}

/** What every client takes. */
export interface ClientOptions extends World {
  /**
   * Who decides, for each origin. Called once for each, so each must get its own.
   * Default: `limiter({ name: origin, queue: priority({ capacity: 1000, maxWait: 1000 }) })`, which finds its limit by
   * itself, and lets up to 1,000 wait for up to 1 s.
   */
  readonly gate?: (origin: string) => Gate
  /** A breaker for each origin, behind the gate. Called once for each. Default: none. */
  readonly breaker?: (origin: string) => Gate
  /** Holds back what the origin would refuse anyway. `false`: nothing is held back. Default {@link ThrottleOptions}. */
  readonly throttle?: ThrottleOptions | false
  /** Bounds retries to a share of first attempts, for each origin. `false`: nothing does. Default `retryBudget()`. */
  readonly retryBudget?: RetryBudgetOptions | false
  /**
   * True for a request that was sent before. Default: one whose `x-stainless-retry-count` or
   * `grpc-previous-rpc-attempts` is above 0; with undici also one that its retry interceptor sends again.
   */
  readonly isRetry?: (request: Outgoing) => boolean
  /** What a request asks for: priority, flow, deadline, patience. Default: every request is ordinary. */
  readonly arrival?: (request: Outgoing) => Arrival
  /**
   * How long a request may take from its beginning on, waiting and the reading of its body included, in ms; above 0.
   * Then it is called off. Default: no end, save one that its own `grpc-timeout`, `x-envoy-expected-rq-timeout-ms`,
   * `x-request-timeout` or its arrival names; the earliest counts.
   */
  readonly deadline?: Millis
  /**
   * The header that tells the origin how much time is left, in whole ms, where there is a deadline. `false`: none.
   * Default `x-envoy-expected-rq-timeout-ms`.
   */
  readonly deadlineHeader?: string | false
  /** The statuses whose `Retry-After` pauses the origin for everybody. Default 429 only. */
  readonly pauseOn?: readonly number[]
  /** The longest an origin is paused, in ms; above 0. What it asks for beyond that is cut. Default 60,000. */
  readonly maxPause?: Millis
  /**
   * How long a request that does not say waits for the end of a pause, in ms; 0 refuses it at once. Default 1,000.
   */
  readonly maxHold?: Millis
  /**
   * The utilisation up to which an origin that reports its load (ORCA) is used, above 0; beyond it each request takes
   * as many more slots. `Infinity`: reports change nothing. Default 0.9.
   */
  readonly targetUtilization?: number
  /** How many origins have gates of their own; all others share a few. A whole number of at least 1. Default 1,000. */
  readonly maxOrigins?: number
}
