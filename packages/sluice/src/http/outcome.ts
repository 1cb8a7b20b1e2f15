import type { Outcome } from '../ground/index.ts'

/**
 * What a status says about how the work ended.
 *
 * | status          | outcome   | because                                               |
 * |-----------------|-----------|-------------------------------------------------------|
 * | 2xx, 3xx, 4xx   | `success` | it was done; the caller's mistakes are work too       |
 * | 429             | `ignored` | somebody spent a quota: no news about capacity        |
 * | 503, 504        | `dropped` | refused or timed out further in: evidence of overload |
 * | any other 5xx   | `failure` | it was done wrongly                                   |
 */
export function outcomeOf(status: number): Outcome {
  if (status < 500) return status === 429 ? 'ignored' : 'success'
  return status === 503 || status === 504 ? 'dropped' : 'failure'
}
