import { checkOptions, checkWhole, systemClock, type World } from '../ground/index.ts'
import type { QueueDiscipline } from '../queue/index.ts'
import { DefinedGate, observed } from './define.ts'
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

/** A number of permits that stays as it is until somebody changes it. */
export interface Semaphore extends Gate {
  /**
   * From now on so many may be in flight at once: whoever waits and fits is let in, and what is in flight beyond them
   * ends as usual.
   * @param permits a whole number of at least 1
   * @throws RangeError for another
   */
  resize(permits: number): void
}

/**
 * A fixed number of permits, with or without a queue. Permits may be weighted (`cost`): the head of the queue is never
 * overtaken because it is wide, so a wide arrival is served in its turn; one wider than the semaphore takes all of it.
 * @throws RangeError for an option out of range
 */
export function semaphore(options: SemaphoreOptions): Semaphore {
  checkOptions('semaphore', options)
  const slots = new Slots({
    name: options.name ?? 'semaphore',
    limit: checkWhole('semaphore.permits', options.permits, 1),
    discipline: options.queue,
    threshold: checkWhole('semaphore.threshold', options.threshold ?? Number.MAX_SAFE_INTEGER, 1),
    clock: options.clock ?? systemClock,
    meter: undefined,
    observer: options.observer,
  })
  return new SemaphoreGate(slots, options)
}

class SemaphoreGate extends DefinedGate implements Semaphore {
  readonly #slots: Slots

  constructor(slots: Slots, options: SemaphoreOptions) {
    super(observed(slots, options.observer), options)
    this.#slots = slots
  }

  resize(permits: number): void {
    this.#slots.resize(checkWhole('semaphore.resize', permits, 1))
  }
}
