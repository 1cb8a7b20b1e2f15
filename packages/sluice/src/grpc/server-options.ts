import type { StatusObject } from '@grpc/grpc-js'
import type { Random, Rejection, WallClock } from '../ground/index.ts'
import type { RetryBudget } from '../gate/index.ts'
import type { DoorOptions } from '../http/index.ts'
import type { GrpcRequest } from './grpc-request.ts'

/** What of a refusal an application may put in other words. */
export type RefusedCall = Pick<StatusObject, 'code' | 'details' | 'metadata'>

/**
 * Options of `serverInterceptor`: those of every server door, read for gRPC.
 *
 * - `path` in a rule of `classify` is `/package.Service/Method`, or `/package.Service/*`; `method` is always `POST`.
 * - `deadline` bounds what the client says with `grpc-timeout`, whoever it is: grpc-js ends the call then in any case.
 * - `timeout` ends the call with DEADLINE_EXCEEDED.
 */
export interface ServerInterceptorOptions extends Omit<DoorOptions<GrpcRequest>, 'bypass' | 'body' | 'onReject'> {
  /**
   * True for calls that never meet the gate. Default: `grpc.health.v1.Health` and
   * `grpc.reflection.v1(alpha).ServerReflection`.
   */
  readonly bypass?: (request: GrpcRequest) => boolean
  /**
   * Bounds calls that are tried again (`grpc-previous-rpc-attempts` above 0) to a share of those that are new. Beyond it
   * they get RESOURCE_EXHAUSTED and are told not to come back. Default: retries are calls like all others.
   */
  readonly retryBudget?: RetryBudget
  /**
   * Hears of each refusal, and may answer with a status of its own, at once, whose metadata then are all the trailers there
   * are. What it throws surfaces by itself, as a code that gRPC does not have does, and the call is refused all the same.
   * Default: the code of the refusal, a sentence, `grpc-retry-pushback-ms` and `sluice-rejection`.
   */
  readonly onReject?: (rejection: Rejection, request: GrpcRequest) => RefusedCall | undefined | void
  /** Spreads when refused clients come back. Default: the platform's. */
  readonly random?: Random
  /**
   * What deadlines on the wire are read with, in ms since 1970. Default: the clock as it was when the process started,
   * carried on evenly. Hand in `Date.now` where clocks are set by leaps.
   */
  readonly wallClock?: WallClock
}
