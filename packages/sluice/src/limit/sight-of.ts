import { NEGLIGIBLE, type Sight } from './latency-curve.ts'
import type { Window } from './limit.ts'

/** However many samples: a window is never known better than this. */
const LEAST_ERROR = 0.03

/** What a window at a limit says of the curve. @param extraError relative, beside that of its samples */
export function sightOf({ rtt, meanInflight, end }: Window, limit: number, extraError = 0): Sight {
  return {
    inflight: Math.log(Math.max(0.5, Math.min(limit, meanInflight))),
    latency: Math.log(rtt.typical + NEGLIGIBLE),
    doubt: Math.max(LEAST_ERROR, rtt.error) ** 2 + extraError ** 2,
    at: end,
  }
}
