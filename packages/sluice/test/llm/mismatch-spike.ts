// 10, 50, 100 and 200 arrivals a tick against 10 done a tick, in virtual time.
import { fifo, semaphore } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import type { Millis } from '../../src/ground/index.ts'

/** How long a tick is, in ms, and what can be done in one. */
const [TICK, DONE]: readonly [Millis, number] = [100, 10]
/** Arrivals in each tick: 20 ticks of each, then 10 again. */
const SPIKE: readonly number[] = [10, 50, 100, 200]
const [EACH, ALL] = [20, 300]

export interface SpikeRun {
  /** For each tick. */
  readonly ticks: readonly {
    readonly arrived: number
    readonly done: number
    readonly refused: number
    readonly waiting: number
    /** The longest of those that were done, in ticks; 0 where none was. */
    readonly took: number
  }[]
  /** Answered within five ticks of arriving, and later than that: nobody waits any more. */
  readonly inTime: number
  readonly tooLate: number
}

/** Whoever has no answer after so many ticks has gone. */
const PATIENCE = 5

/** @param bounded a queue of 20 who wait three ticks at most; else one without an end */
export function playSpike(bounded: boolean): SpikeRun {
  const clock = new VirtualClock(1000)
  const queue = bounded ? fifo({ capacity: 20, maxWait: 3 * TICK }) : fifo({ capacity: 1e6, maxWait: 1e9 })
  const gate = semaphore({ permits: DONE, clock, queue })
  const ticks: { arrived: number; done: number; refused: number; waiting: number; took: number }[] = []
  let inTime = 0
  let tooLate = 0
  for (let tick = 0; tick < ALL; tick++) {
    const now = { arrived: SPIKE[Math.floor(tick / EACH)] ?? DONE, done: 0, refused: 0, waiting: 0, took: 0 }
    ticks.push(now)
    for (let count = 0; count < now.arrived; count++) {
      const came = clock.now()
      gate.enter({}, (verdict) => {
        const at = ticks.at(-1)!
        if (!verdict.admitted) {
          at.refused++
          return
        }
        clock.after(TICK - 1e-6, () => {
          const took = (clock.now() - came) / TICK
          const then = ticks.at(-1)!
          then.done++
          then.took = Math.max(then.took, took)
          if (took <= PATIENCE) inTime++
          else tooLate++
          verdict.release('success')
        })
      })
    }
    clock.advance(TICK)
    now.waiting = gate.stats.queued
  }
  return { ticks, inTime, tooLate }
}
