import { status } from '@grpc/grpc-js'
import type { Outcome } from '../ground/index.ts'

const OUTCOMES: ReadonlyMap<status, Outcome> = new Map([
  [status.CANCELLED, 'ignored'],
  [status.RESOURCE_EXHAUSTED, 'ignored'],
  [status.DEADLINE_EXCEEDED, 'dropped'],
  [status.UNAVAILABLE, 'dropped'],
  [status.UNKNOWN, 'failure'],
  [status.UNIMPLEMENTED, 'failure'],
  [status.INTERNAL, 'failure'],
  [status.DATA_LOSS, 'failure'],
])

/**
 * What a gRPC status says about how the work ended: as `outcomeOf` of `sluice/http` judges the HTTP status that
 * google.rpc.Code names beside it, except for the caller who left.
 *
 * | status                                            | outcome   | because                                               |
 * |---------------------------------------------------|-----------|-------------------------------------------------------|
 * | OK, INVALID_ARGUMENT, NOT_FOUND, ALREADY_EXISTS,  | `success` | it was done; the caller's mistakes are work too       |
 * | PERMISSION_DENIED, UNAUTHENTICATED,               |           |                                                       |
 * | FAILED_PRECONDITION, ABORTED, OUT_OF_RANGE        |           |                                                       |
 * | RESOURCE_EXHAUSTED                                | `ignored` | somebody spent a quota: no news about capacity        |
 * | CANCELLED                                         | `ignored` | the caller left                                       |
 * | UNAVAILABLE, DEADLINE_EXCEEDED                    | `dropped` | refused or timed out further in: evidence of overload |
 * | UNKNOWN, UNIMPLEMENTED, INTERNAL, DATA_LOSS       | `failure` | it was done wrongly                                   |
 */
export function outcomeOfStatus(code: status): Outcome {
  return OUTCOMES.get(code) ?? 'success'
}
