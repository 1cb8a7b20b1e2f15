import { performance } from 'node:perf_hooks'
import type { Millis } from 'sluice'
import type { Tick } from './snapshot.ts'

/** What this process uses. */
export class OwnUsage {
  #loop = performance.eventLoopUtilization()
  #cpu = process.cpuUsage()

  /** Since it was last asked. @param took how long that is */
  since(took: Millis): Pick<Tick, 'loop' | 'cpu'> {
    const loop = performance.eventLoopUtilization()
    const { user, system } = process.cpuUsage(this.#cpu)
    const { utilization } = performance.eventLoopUtilization(loop, this.#loop)
    this.#loop = loop
    this.#cpu = process.cpuUsage()
    return { loop: utilization, cpu: (user + system) / 1000 / took }
  }
}
