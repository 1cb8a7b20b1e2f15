import type * as Core from '../../src/index.ts'
import type { LawWorld } from '../../src/testing/index.ts'

/** The door `sluice`, whichever copy of it: the mutants are copies. */
export type Sluice = typeof Core

/** The gates that the laws are proved on, by name. Small, so that something happens. */
export function gates(sluice: Sluice): Readonly<Record<string, (world: LawWorld) => Core.Gate>> {
  const {
    adaptive,
    breaker,
    consecutive,
    fifo,
    fixed,
    keyed,
    leakyBucket,
    limiter,
    priority,
    semaphore,
    series,
    tokenBucket,
    tokenBuckets,
    when,
  } = sluice
  const queue = (capacity: number): Core.QueueDiscipline => fifo({ capacity, maxWait: 100 })
  return {
    'semaphore without a queue': (world) => semaphore({ ...world, permits: 2 }),
    'semaphore with a queue': (world) => semaphore({ ...world, permits: 2, queue: queue(5) }),
    'semaphore with a threshold': (world) => semaphore({ ...world, permits: 2, queue: queue(5), threshold: 4 }),
    'semaphore with eviction': (world) =>
      semaphore({ ...world, permits: 2, queue: priority({ capacity: 2, maxWait: 100 }) }),
    'limiter(fixed)': (world) => limiter({ ...world, limit: fixed(3), queue: queue(4) }),
    'limiter(adaptive)': (world) =>
      limiter({ ...world, limit: adaptive({ initial: 2, max: 5 }), queue: queue(6), threshold: 9 }),
    'limiter(swinging)': (world) => limiter({ ...world, limit: swinging, queue: queue(6) }),
    'series(semaphore, limiter)': (world) =>
      series(
        semaphore({ ...world, permits: 3, queue: queue(3), name: 'outer' }),
        limiter({ ...world, limit: fixed(2), queue: queue(2), name: 'inner' }),
      ),
    'series(semaphore, semaphore without a queue)': (world) =>
      series(semaphore({ ...world, permits: 3, queue: queue(3) }), semaphore({ ...world, permits: 2 })),
    'series(semaphore, token bucket)': (world) =>
      series(semaphore({ ...world, permits: 3 }), tokenBucket({ ...world, tokens: 2, per: 50, capacity: 2 })),
    'series with when': (world) =>
      series(
        semaphore({ ...world, permits: 4, queue: queue(4) }),
        when((arrival) => arrival.flow === 'a', semaphore({ ...world, permits: 1, queue: queue(2) })),
        limiter({ ...world, limit: adaptive({ initial: 2, max: 3 }), queue: queue(2) }),
      ),
    'token bucket': (world) => tokenBucket({ ...world, tokens: 2, per: 50, capacity: 3 }),
    'token bucket with a queue': (world) => tokenBucket({ ...world, tokens: 2, per: 50, capacity: 3, queue: queue(4) }),
    'token buckets': (world) =>
      tokenBuckets({
        ...world,
        buckets: {
          arrivals: { tokens: 1, per: 30, capacity: 2, takes: 'one' },
          units: { tokens: 2, per: 50, capacity: 3 },
        },
        queue: queue(4),
      }),
    'leaky bucket': (world) => leakyBucket({ ...world, tokens: 1, per: 20, queue: queue(4) }),
    'keyed semaphores': (world) =>
      keyed(
        (arrival) => arrival.flow,
        () => semaphore({ ...world, permits: 1, queue: queue(3) }),
        { maxKeys: 2, shared: 1 },
      ),
    breaker: (world) => breaker({ ...world, rule: consecutive(2), openFor: 20 }),
  }
}

/** Of these, where first come is first served. */
export const FIRST_COME: ReadonlySet<string> = new Set([
  'semaphore without a queue',
  'semaphore with a queue',
  'semaphore with a threshold',
  'limiter(fixed)',
  'limiter(adaptive)',
  'limiter(swinging)',
  'token bucket with a queue',
  'token buckets',
  'leaky bucket',
])

/** Moves at every window, up and down between 1 and 5, as no sensible algorithm would. */
const swinging: Core.LimitAlgorithm = {
  name: 'swinging',
  init: () => swing(0),
  step: (state) => swing((state as number) + 1),
}

function swing(state: number): Core.Step<unknown> {
  const limit = [2, 5, 1, 3.5, 4][state % 5]!
  return { state, limit, reason: 'swing', until: { samples: 1, error: 1, atLeast: 0, atMost: 1 } }
}

/** The queue disciplines, by name. */
export function disciplines(sluice: Sluice): Readonly<Record<string, () => Core.QueueDiscipline>> {
  const { adaptiveLifo, codel, earliestDeadline, fair, fifo, lifo, priority } = sluice
  const bounds = { capacity: 4, maxWait: 100 }
  return {
    fifo: () => fifo(bounds),
    'fifo without room': () => fifo({ capacity: 0 }),
    lifo: () => lifo(bounds),
    adaptiveLifo: () => adaptiveLifo(bounds),
    codel: () => codel(bounds),
    priority: () => priority(bounds),
    earliestDeadline: () => earliestDeadline(bounds),
    fair: () => fair({ ...bounds, lines: 2, hand: 1 }),
  }
}

/** What a mutant has to break: gates, on how many scripts, from which seed. */
export const PROVEN: Readonly<Record<string, { readonly runs: number; readonly seed: number }>> = {
  'semaphore without a queue': { runs: 60, seed: 1 },
  'semaphore with a queue': { runs: 100, seed: 2 },
  'semaphore with eviction': { runs: 100, seed: 1 },
  'limiter(swinging)': { runs: 100, seed: 1 },
  'series(semaphore, limiter)': { runs: 100, seed: 1 },
  'series(semaphore, semaphore without a queue)': { runs: 60, seed: 1 },
  'series(semaphore, token bucket)': { runs: 60, seed: 1 },
}
