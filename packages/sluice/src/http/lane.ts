import { refuseValue, type Priority } from '../ground/index.ts'
import { atOnce } from './at-once.ts'
import type { Caller } from './caller.ts'

/**
 * How much a request matters, in an operator's words (requirement S3.6): `critical` is always served (health checks,
 * administration), `high` is what people wait for (login, token refresh), `low` runs on slack (batch).
 */
export type Lane = 'critical' | 'high' | 'normal' | 'low'

/** What each lane means to a gate; `critical` does not meet it at all. */
export const LANES: Readonly<Record<Exclude<Lane, 'critical'>, Priority>> = { high: 3, normal: 2, low: 0 }

/**
 * Puts requests in a lane by what their client cannot invent: the route, the method, and what the application knows.
 * Everything named must hold.
 */
export interface LaneRule<Req> {
  readonly lane: Lane
  /** A path, or a path that ends in `/*` for all below it. Compared with the path without its query, letter by letter. */
  readonly path?: string
  /** In capitals: `GET`. */
  readonly method?: string
  /** What the application knows: who is logged in, for instance. */
  readonly when?: (caller: Caller<Req>) => boolean
}

/** What a lane means to a gate. @throws RangeError naming `field` for what is none */
export function priorityOf(field: string, lane: Exclude<Lane, 'critical'>): Priority {
  return Object.hasOwn(LANES, lane) ? LANES[lane] : refuseValue(field, lane, "'critical', 'high', 'normal' or 'low'")
}

/** Asks the rules in order; the first that fits decides. @throws RangeError for a rule that makes no sense */
export function laneBy<Req>(rules: readonly LaneRule<Req>[]): (caller: Caller<Req>) => Lane | undefined {
  for (const [index, { lane, path }] of rules.entries()) {
    if (lane !== 'critical') priorityOf(`classify[${index}].lane`, lane)
    if (path !== undefined && (!path.startsWith('/') || path.slice(0, -1).includes('*')))
      refuseValue(`classify[${index}].path`, path, "a path like '/login', or '/admin/*'")
  }
  return (caller) => rules.find((rule) => fits(rule, caller))?.lane
}

function fits<Req>({ path, method, when }: LaneRule<Req>, caller: Caller<Req>): boolean {
  if (method !== undefined && method !== caller.method) return false
  if (path !== undefined && !reaches(path, caller.path)) return false
  return when === undefined || atOnce('classify.when', when(caller))
}

/** A segment that some router may read as another: what is privileged must not be able to mean something else. */
const AMBIGUOUS = /\/\.|[%\\]|\/\//

function reaches(rule: string, path: string): boolean {
  if (!rule.endsWith('/*')) return path === rule
  return path.startsWith(rule.slice(0, -1)) && !AMBIGUOUS.test(path)
}
