import type { Random } from '../ground/index.ts'
import type { Instance, Service } from './instance.ts'
import type { Job } from './job.ts'
import type { Caller, Visit } from './visit.ts'

/** How a balancer picks: each in turn, by chance, or whoever has least to do. */
export type Balancing = 'turn' | 'random' | 'least'

/** Several instances, each with a gate of its own, behind one address. */
export class Balancer implements Service {
  readonly #instances: readonly Instance[]
  readonly #by: Balancing
  readonly #random: Random
  readonly #next: Service | undefined
  #turn = 0

  /** @param next what all of them call */
  constructor(instances: readonly Instance[], by: Balancing, random: Random, next: Service | undefined) {
    this.#instances = instances
    this.#by = by
    this.#random = random
    this.#next = next
  }

  get capacity(): number {
    let sum = 0
    for (const instance of this.#instances) sum += instance.ownCapacity
    return Math.min(sum, this.#next?.capacity ?? Infinity)
  }

  call(job: Job, caller: Caller, outer?: Visit): void {
    this.#pick().call(job, caller, outer)
  }

  #pick(): Instance {
    const { length } = this.#instances
    if (this.#by === 'random') return this.#instances[Math.floor(this.#random() * length)]!
    this.#turn = (this.#turn + 1) % length
    let best = this.#instances[this.#turn]!
    if (this.#by === 'turn') return best
    // Among equals each in turn.
    for (let step = 1; step < length; step++) {
      const other = this.#instances[(this.#turn + step) % length]!
      if (other.outstanding < best.outstanding) best = other
    }
    return best
  }
}
