import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Clock } from '../../src/index.ts'
import { fleetBuckets, memoryBuckets } from '../../src/coordinate/index.ts'
import { gateLaws } from '../../src/testing/index.ts'

/**
 * The same time, with the timers that keep nobody alive kept apart: the laws count timers for which nobody waits, and
 * what is at hand is given back by one such. They run when the gate is next asked anything, as in a process that was held
 * up.
 */
function apart(clock: Clock): Clock {
  const timers = new Map<object, { readonly due: number; readonly run: () => void }>()
  const flush = (): void => {
    for (const [key, { due, run }] of timers) {
      if (due > clock.now()) continue
      timers.delete(key)
      run()
    }
  }
  return {
    now: () => {
      if (timers.size > 0) queueMicrotask(flush)
      return clock.now()
    },
    after(delay, run, options) {
      if (options?.background !== true) return clock.after(delay, run)
      const cancel = (): void => void timers.delete(timer)
      const timer = { cancel, [Symbol.dispose]: cancel }
      timers.set(timer, { due: clock.now() + delay, run })
      return timer
    },
  }
}

for (const lease of [0, 200])
  gateLaws(
    `S3.5 fleetBuckets in memory, lease ${lease}`,
    { describe, it },
    fc,
    ({ clock, random }) =>
      fleetBuckets({
        buckets: { requests: { tokens: 100, capacity: 3, takes: 'one' }, tokens: { tokens: 100, capacity: 20 } },
        coordinator: memoryBuckets({ clock }),
        onDown: 'closed',
        lease,
        reserve: 0.2,
        capacity: 4,
        maxWait: 100,
        clock: apart(clock),
        random,
      }),
    { context: new AsyncLocalStorage() },
  )
