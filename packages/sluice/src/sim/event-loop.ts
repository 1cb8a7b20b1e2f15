import type { Clock, Millis, Random } from '../ground/index.ts'
import { Cpu, CpuClock } from './cpu.ts'
import type { Done, Further, Plant, PlantChange } from './plant.ts'
import type { ServiceTime } from './service.ts'
import type { Visit } from './visit.ts'

export interface EventLoopOptions {
  readonly clock: Clock
  readonly random: Random
  /** CPU for each arrival before the gate is asked: accepting and parsing, in ms. At least 0. */
  readonly accept: Millis
  /** CPU of the handler before it waits. */
  readonly before: ServiceTime
  /** Waiting for others, during which the thread is free. */
  readonly wait: ServiceTime
  /** CPU of the handler after it has waited. */
  readonly after: ServiceTime
  /** CPU for each refusal, in ms. At least 0. */
  readonly refusal: Millis
  /**
   * When whoever is let in begins: `direct`, in the turn in which the gate said so, or `yield`, behind all that the loop
   * had to do by then, so that the gate is asked about what has come meanwhile while this one counts as in flight.
   */
  readonly admission: 'direct' | 'yield'
  /** Called after the wait. */
  readonly further: Further | undefined
}

/**
 * A Node process: one thread for everything, so that parsing, refusing and serving compete for it. The line before it
 * is the loop itself, and nothing bounds that.
 */
export class EventLoop implements Plant {
  readonly clock: Clock
  readonly #base: Clock
  readonly #cpu: Cpu
  readonly #options: EventLoopOptions
  #slowdown = 1
  #wait = 1

  constructor(options: EventLoopOptions) {
    this.#options = options
    this.#base = options.clock
    this.#cpu = new Cpu(options.clock)
    this.clock = new CpuClock(options.clock, this.#cpu)
  }

  get capacity(): number {
    const { accept, before, after } = this.#options
    const takes = (accept + before.mean + after.mean) * this.#slowdown
    return takes === 0 ? Infinity : 1000 / takes
  }

  get lag(): Millis {
    return this.#cpu.lag
  }

  arrive(visit: Visit, decide: Done): void {
    this.#cpu.post(this.#options.accept * this.#slowdown, () => decide(visit), visit)
  }

  refuse(visit: Visit, done: Done): void {
    this.#cpu.follow(this.#options.refusal * this.#slowdown, () => done(visit), visit)
  }

  serve(visit: Visit, done: Done): void {
    const { before, wait, after, admission, further } = this.#options
    const takes = this.#time(before, visit) * this.#slowdown
    const pause = this.#time(wait, visit) * this.#slowdown * this.#wait
    const end = (): void => done(visit)
    const finish = (): void => {
      if (!visit.off) end()
    }
    const takesAfter = this.#time(after, visit) * this.#slowdown
    const back = (): void => this.#cpu.post(takesAfter, finish, visit)
    const waited = further === undefined ? back : (): void => further(visit, back)
    const begun = (): void => {
      if (visit.off) return
      if (pause > 0) visit.timer = this.#base.after(pause, waited)
      else if (further !== undefined) further(visit, back)
      // Nothing to wait for: it is all one turn, and its end too.
      else this.#cpu.follow(takesAfter, finish, visit)
    }
    if (admission === 'direct') this.#cpu.follow(takes, begun, visit)
    else this.#cpu.post(takes, begun, visit)
  }

  abort(visit: Visit): void {
    visit.timer?.cancel()
  }

  change({ slowdown, wait }: PlantChange): void {
    this.#slowdown = slowdown ?? this.#slowdown
    this.#wait = wait ?? this.#wait
  }

  #time(service: ServiceTime, visit: Visit): Millis {
    return service(this.#options.random) * visit.job.work
  }
}
