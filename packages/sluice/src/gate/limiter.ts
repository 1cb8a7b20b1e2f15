import { checkOptions, checkWhole, systemClock, type World } from '../ground/index.ts'
import { adaptive, type LimitAlgorithm } from '../limit/index.ts'
import { priority, type QueueDiscipline } from '../queue/index.ts'
import { algorithmOf } from './algorithm-of.ts'
import { defineGate } from './define.ts'
import type { Gate, Observer } from './gate.ts'
import { Meter } from './meter.ts'
import { Slots } from './slots.ts'

export interface LimiterOptions extends World {
  /** What finds the limit; a whole number of at least 1 is one that stays. Default `adaptive()`, which needs no tuning. */
  readonly limit?: number | LimitAlgorithm
  /** Who waits and how long. Default: `priority({ capacity: 1000, maxWait: 1000, standing: false })`. */
  readonly queue?: QueueDiscipline
  /** In flight and waiting together, at which everybody is refused with `overload`. Default: none. */
  readonly threshold?: number
  /** For people, metrics and refusals. Default `limiter`. */
  readonly name?: string
  readonly observer?: Observer
}

/**
 * Lets in what the service behind it can do, and finds out by itself how much that is: a limit algorithm, a queue and
 * a clock.
 * @throws RangeError for an option out of range
 */
export function limiter(options: LimiterOptions = {}): Gate {
  checkOptions('limiter', options)
  const clock = options.clock ?? systemClock
  const meter = new Meter(algorithmOf('limiter.limit', options.limit ?? adaptive()), clock.now())
  const core = new Slots({
    name: options.name ?? 'limiter',
    limit: Math.max(1, Math.floor(meter.limit)),
    discipline: options.queue ?? priority({ capacity: 1000, maxWait: 1000, standing: false }),
    threshold: checkWhole('limiter.threshold', options.threshold ?? Number.MAX_SAFE_INTEGER, 1),
    clock,
    meter,
    observer: options.observer,
  })
  return defineGate(core, options)
}
