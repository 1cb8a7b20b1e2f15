import { fifo, limiter, priority, semaphore, type Gate, type Observer } from 'sluice'
import type { Plan } from './plan.ts'

/** The gate a plan describes; none where it says so. */
export function gateOf(chosen: Plan, observer: Observer): Gate | undefined {
  if (chosen.kind === 'off') return undefined
  const common = { name: 'gateway', observer, ...(chosen.threshold !== undefined && { threshold: chosen.threshold }) }
  if (chosen.kind === 'fixed') return semaphore({ ...common, permits: chosen.permits, queue: fifo(chosen.queue) })
  const { queue } = chosen
  // As the library's own, whichever half of it was changed.
  return limiter({
    ...common,
    ...(queue !== undefined && { queue: priority({ ...queue, standing: false }) }),
  })
}
