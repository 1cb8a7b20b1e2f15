import { checkWhole, systemClock, type World } from '../ground/index.ts'
import type { QueueDiscipline } from '../queue/index.ts'
import { defineGate } from './define.ts'
import type { Gate, Observer } from './gate.ts'
import { Slots } from './slots.ts'

export interface SemaphoreOptions extends World {
  /** How much may be in flight at once. A whole number of at least 1. */
  readonly permits: number
  /** Who waits and how long. Default: nobody; an arrival that finds no permit is refused at once. */
  readonly queue?: QueueDiscipline
  /** In flight and waiting together, at which everybody is refused with `overload`. Default: none. */
  readonly threshold?: number
  /** For people, metrics and refusals. Default `semaphore`. */
  readonly name?: string
  readonly observer?: Observer
}

/**
 * A fixed number of permits, with or without a queue. Permits may be weighted (`cost`): the head of the queue is never
 * overtaken because it is wide, so a wide arrival is served in its turn; one wider than the semaphore takes all of it.
 * @throws RangeError for an option out of range
 */
export function semaphore(options: SemaphoreOptions): Gate {
  const core = new Slots({
    name: options.name ?? 'semaphore',
    limit: checkWhole('semaphore.permits', options.permits, 1),
    discipline: options.queue,
    threshold: checkWhole('semaphore.threshold', options.threshold ?? Number.MAX_SAFE_INTEGER, 1),
    clock: options.clock ?? systemClock,
    meter: undefined,
    observer: options.observer,
  })
  return defineGate(core, options)
}
