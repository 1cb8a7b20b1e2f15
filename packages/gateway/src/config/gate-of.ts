import { fifo, limiter, semaphore, type Gate, type Observer, type QueueDiscipline } from 'sluice'
import type { Plan, QueuePlan } from './plan.ts'

/** The gate a plan describes; none where it says so. */
export function gateOf(chosen: Plan, observer: Observer): Gate | undefined {
  if (chosen.kind === 'off') return undefined
  const common = { name: 'gateway', observer, ...(chosen.threshold !== undefined && { threshold: chosen.threshold }) }
  if (chosen.kind === 'fixed') return semaphore({ ...common, permits: chosen.permits, queue: line(chosen.queue) })
  return limiter({ ...common, ...(chosen.queue !== undefined && { queue: line(chosen.queue) }) })
}

function line({ capacity, maxWait }: QueuePlan): QueueDiscipline {
  return fifo({ capacity, maxWait })
}
