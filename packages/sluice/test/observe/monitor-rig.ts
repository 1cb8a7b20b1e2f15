import type { Gate, Permit, Tally } from '../../src/index.ts'
import { fifo, semaphore, tally } from '../../src/index.ts'
import type { Monitor, MonitorOptions } from '../../src/observe/index.ts'
import { monitor } from '../../src/observe/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'

export interface RigOptions extends MonitorOptions {
  readonly permits?: number
  readonly maxWait?: number
}

/** A gate with a tally and a monitor, and hands to push it about. */
export interface Rig {
  readonly clock: VirtualClock
  readonly counts: Tally
  readonly gate: Gate
  readonly watch: Monitor
  /** So many come; those let in stay, or leave at once where `hold` is false. */
  readonly arrive: (count: number, hold?: boolean) => void
  /** So many of those who are in leave. */
  readonly leave: (count: number) => void
}

/** One permit and a long queue unless told otherwise. */
export function rig({ permits = 1, maxWait = 60_000, ...options }: RigOptions = {}): Rig {
  const clock = new VirtualClock(1e6)
  const counts = tally()
  const gate = semaphore({ permits, queue: fifo({ capacity: 100, maxWait }), clock, observer: counts })
  const held: Permit[] = []
  return {
    clock,
    counts,
    gate,
    watch: monitor(gate, counts, { clock, ...options }),
    arrive: (count: number, hold = true): void => {
      for (let arrival = 0; arrival < count; arrival++)
        gate.enter({}, (verdict) => {
          if (!verdict.admitted) return
          if (hold) held.push(verdict)
          else verdict.release('success')
        })
    },
    leave: (count: number): void => {
      for (let left = 0; left < count; left++) held.shift()?.release('success')
    },
  }
}
