import { type Clock, type Random } from '../ground/index.ts'
import { Backlog } from './backlog.ts'
import type { Done, Further, Plant, PlantChange } from './plant.ts'
import type { ServiceTime } from './service.ts'
import type { Visit } from './visit.ts'

export interface WorkersOptions {
  readonly clock: Clock
  readonly random: Random
  /** How many work at once; `Infinity` for a dependency that is only slow, never full. */
  readonly slots: number
  readonly service: ServiceTime
  /** How much slower everything is for each one in here beyond the slots: 0.02 is 2 %. At least 0. */
  readonly thrash: number
  /** Called when the own work is done, with the slot still held. */
  readonly further: Further | undefined
}

/** A pool of workers and an unbounded line behind it, as most services are. */
export class Workers implements Plant {
  readonly clock: Clock
  readonly lag = 0
  readonly #random: Random
  readonly #service: ServiceTime
  readonly #thrash: number
  readonly #further: Further | undefined
  readonly #line = new Backlog<{ readonly visit: Visit; readonly done: Done }>()
  #slots: number
  #slowdown = 1
  #busy = 0

  constructor(options: WorkersOptions) {
    this.clock = options.clock
    this.#random = options.random
    this.#slots = options.slots
    this.#service = options.service
    this.#thrash = options.thrash
    this.#further = options.further
  }

  get capacity(): number {
    const { mean } = this.#service
    return mean === 0 ? Infinity : (this.#slots * 1000) / (mean * this.#slowdown)
  }

  arrive(visit: Visit, decide: Done): void {
    decide(visit)
  }

  refuse(visit: Visit, done: Done): void {
    done(visit)
  }

  serve(visit: Visit, done: Done): void {
    if (this.#busy < this.#slots) return this.#begin(visit, done)
    this.#line.push({ visit, done })
  }

  abort(visit: Visit): void {
    // In the line it is passed over when its turn comes.
    if (!visit.running) return
    visit.timer?.cancel()
    this.#free(visit)
  }

  change({ slots, slowdown }: PlantChange): void {
    this.#slots = slots ?? this.#slots
    this.#slowdown = slowdown ?? this.#slowdown
    this.#next()
  }

  #begin(visit: Visit, done: Done): void {
    this.#busy++
    visit.running = true
    const excess = this.#busy + this.#line.size - this.#slots
    const thrash = excess > 0 ? 1 + this.#thrash * excess : 1
    const takes = this.#service(this.#random) * visit.job.work * this.#slowdown * thrash
    const end = (): void => {
      this.#free(visit)
      done(visit)
    }
    visit.timer = this.clock.after(takes, this.#further === undefined ? end : () => this.#further!(visit, end))
  }

  #free(visit: Visit): void {
    visit.running = false
    this.#busy--
    this.#next()
  }

  #next(): void {
    while (this.#busy < this.#slots) {
      const first = this.#line.shift()
      if (first === undefined) return
      if (!first.visit.off) this.#begin(first.visit, first.done)
    }
  }
}
