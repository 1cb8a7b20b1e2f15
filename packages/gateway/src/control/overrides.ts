import type { GatewayPlan, LimitPlan } from '../config/index.ts'
import type { OrderView } from '../live/index.ts'

/** The plan with what was laid over it. Pure: taken away again, the plan is as it was. */
export function overridden(plan: GatewayPlan, orders: readonly OrderView[]): GatewayPlan {
  const limits = Object.entries(plan.limits).map(([name, limit]): [string, LimitPlan] => {
    const forced = orders.find((each) => each.kind === 'limit' && each.limit === name)
    return [name, forced?.kind === 'limit' ? forceTo(limit, forced.to) : limit]
  })
  const paused = orders.some(({ kind }) => kind === 'pause')
  return { ...plan, dryRun: plan.dryRun || paused, limits: Object.fromEntries(limits) }
}

/** A queue for a limit that leaves its queue to the library. */
const QUEUE = { capacity: 1000, maxWait: 1000 }

function forceTo(limit: LimitPlan, permits: number): LimitPlan {
  if (limit.kind === 'rate') return { ...limit, requests: permits, burst: permits }
  const { queue = QUEUE, threshold, by } = limit
  return { kind: 'fixed', permits, queue, threshold, by, fleet: limit.kind === 'fixed' ? limit.fleet : undefined }
}
