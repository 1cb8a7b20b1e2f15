import { totalmem } from 'node:os'
import { constrainedMemory } from 'node:process'
import { systemClock, type Clock } from 'sluice'
import type { ProcessView } from '../live/index.ts'
import type { Usage } from '../readiness/index.ts'

/**
 * What all processes use together, of what they told last.
 * @param isBounded whether the kernel counts them all against one limit, and so knows better
 */
export function usageOf(
  told: () => Pick<ProcessView, 'cpu' | 'rss'>,
  isBounded: boolean = hasBound(),
  clock: Clock = systemClock,
): Usage {
  let [used, at] = [0, clock.now()]
  return {
    cpu: {
      read() {
        const now = clock.now()
        used += told().cpu * (now - at)
        at = now
        return used
      },
    },
    memory: isBounded ? {} : { read: () => told().rss },
  }
}

/** 0 is unknown, and no limit is more than any machine has. */
function hasBound(): boolean {
  const bound = constrainedMemory()
  return bound > 0 && bound < totalmem()
}
