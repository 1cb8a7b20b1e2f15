import type { Millis } from 'sluice'
import type { Plan, QueuePlan } from './plan.ts'
import type { LimitConfig } from './sections/limits.ts'

/** A limit that all instances share. */
export interface FleetPlan {
  readonly onDown: 'share' | 'open' | 'closed'
  readonly order: 'share' | 'strict'
  /** How many may wait everywhere; left out: any number. */
  readonly queue?: number | undefined
  readonly instances: number
}

/** One limit, with every default filled in. Plain data: equal data, the same limit. */
export type LimitPlan =
  | {
      readonly kind: 'adaptive'
      readonly algorithm: 'adaptive' | 'aimd' | 'vegas' | 'gradient2'
      readonly min?: number | undefined
      readonly max?: number | undefined
      readonly initial?: number | undefined
      /** Left out: the library's own. */
      readonly queue?: QueuePlan | undefined
      readonly threshold?: number | undefined
      readonly by: 'all' | 'tenant'
    }
  | {
      readonly kind: 'fixed'
      readonly permits: number
      readonly queue: QueuePlan
      readonly threshold?: number | undefined
      readonly by: 'all' | 'tenant'
      readonly fleet?: FleetPlan | undefined
    }
  | {
      readonly kind: 'rate'
      readonly requests: number
      readonly per: Millis
      readonly burst: number
      readonly wait: Millis
      readonly by: 'all' | 'tenant'
      readonly fleet?: FleetPlan | undefined
    }

/** The queue of a limit that says only half of it, or nothing. */
const QUEUES: Readonly<Record<'adaptive' | 'fixed', QueuePlan>> = {
  adaptive: { capacity: 1000, maxWait: 1000 },
  fixed: { capacity: 1000, maxWait: 3000 },
}

/** A limit of a file. What does not fit together is found by `crossCheck`. */
export function limitPlan(config: LimitConfig): LimitPlan {
  const { by } = config
  if (config.kind === 'rate') {
    const { requests, per, burst = requests, wait } = config
    return { kind: 'rate', requests, per, burst, wait, by, fleet: fleetPlan(config) }
  }
  const { capacity, maxWait } = config.queue ?? {}
  const said = capacity !== undefined || maxWait !== undefined
  const { capacity: places, maxWait: patience } = QUEUES[config.kind]
  const queue = { capacity: capacity ?? places, maxWait: maxWait ?? patience }
  const threshold = config.rejectThreshold
  if (config.kind === 'fixed')
    return { kind: 'fixed', permits: config.limit, queue, threshold, by, fleet: fleetPlan(config) }
  const { algorithm, min, max, initial } = config
  return { kind: 'adaptive', algorithm, min, max, initial, queue: said ? queue : undefined, threshold, by }
}

function fleetPlan(config: Exclude<LimitConfig, { kind: 'adaptive' }>): FleetPlan | undefined {
  if (config.scope !== 'fleet') return undefined
  const { onDown = 'share' } = config
  if (config.kind === 'rate') return { onDown, order: 'share', instances: 0 }
  return { onDown, order: config.order, queue: config.fleetQueue, instances: config.instances }
}

/** The limit that flags, environment, file and preset have decided on together. */
export function limitOfAdmission(chosen: Exclude<Plan, { kind: 'off' }>, file: LimitPlan | undefined): LimitPlan {
  if (chosen.kind === 'fixed') {
    const { permits, queue, threshold } = chosen
    return {
      kind: 'fixed',
      permits,
      queue,
      threshold,
      by: file?.by ?? 'all',
      fleet: file?.kind === 'fixed' ? file.fleet : undefined,
    }
  }
  const { queue, threshold } = chosen
  const own = file?.kind === 'adaptive' ? file : { algorithm: 'adaptive' as const }
  return { ...own, kind: 'adaptive', by: file?.by ?? 'all', queue, threshold }
}

/** The same in the terms of `describePlan`. */
export function admissionOf(limit: Exclude<LimitPlan, { kind: 'rate' }>): Plan {
  const { queue, threshold } = limit
  return limit.kind === 'fixed'
    ? { kind: 'fixed', permits: limit.permits, queue: limit.queue, threshold }
    : { kind: 'adaptive', queue, threshold }
}
