import type { GatewayPlan, LimitPlan } from '../config/index.ts'

/** What an operator has laid over the plan for a while. */
export interface Overrides {
  /** Everybody is let in, and counted. */
  readonly paused: boolean
  /** Limits by name that are forced to a number. */
  readonly limits: Readonly<Record<string, number>>
}

export const NONE: Overrides = { paused: false, limits: {} }

/** The plan with what was laid over it. Pure: taken away again, the plan is as it was. */
export function overridden(plan: GatewayPlan, { paused, limits }: Overrides): GatewayPlan {
  const forced = Object.entries(plan.limits).map(([name, limit]): [string, LimitPlan] => {
    const permits = Object.hasOwn(limits, name) ? limits[name] : undefined
    return [name, permits === undefined ? limit : forceTo(limit, permits)]
  })
  return { ...plan, dryRun: plan.dryRun || paused, limits: Object.fromEntries(forced) }
}

/** A queue for a limit that leaves its queue to the library. */
const QUEUE = { capacity: 1000, maxWait: 1000 }

function forceTo(limit: LimitPlan, permits: number): LimitPlan {
  if (limit.kind === 'rate') return { ...limit, requests: permits, burst: permits }
  const { queue = QUEUE, threshold, by } = limit
  return { kind: 'fixed', permits, queue, threshold, by, fleet: limit.kind === 'fixed' ? limit.fleet : undefined }
}
