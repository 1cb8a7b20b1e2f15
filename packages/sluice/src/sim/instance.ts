import type { Rejection } from '../ground/index.ts'
import type { GateCore, GateStats, Verdict } from '../gate/index.ts'
import type { Job } from './job.ts'
import type { PausingClock } from './pausing-clock.ts'
import type { Plant, PlantChange } from './plant.ts'
import { Visit, type Caller, type Place } from './visit.ts'

/** What becomes of work whose client has left. */
export type OnLeave = 'release' | 'hold' | 'abort'

/** Something that can be called: an instance, or several behind a balancer. */
export interface Service {
  /** See {@link Plant.capacity}; of the narrowest place on the way. */
  readonly capacity: number
  call(job: Job, caller: Caller, outer?: Visit): void
}

export interface InstanceParts {
  readonly tier: number
  readonly index: number
  readonly plant: Plant
  /** Stops all of it now and then. */
  readonly pauses: PausingClock | undefined
  /** Without one everybody is let in. */
  readonly gate: GateCore | undefined
  readonly next: Service | undefined
  readonly onLeave: OnLeave
  /** How the plant is while nothing is wrong with it. */
  readonly healthy: PlantChange
}

/** A gate and the plant behind it: one process of a service. */
export class Instance implements Service, Place {
  /** How far in: 0 is where clients call. */
  readonly tier: number
  /** Which of those behind the same balancer. */
  readonly index: number
  readonly gate: GateCore | undefined
  /** How many are in here, in whatever state. */
  outstanding = 0
  readonly #plant: Plant
  readonly #pauses: PausingClock | undefined
  readonly #next: Service | undefined
  readonly #onLeave: OnLeave
  readonly #healthy: PlantChange

  constructor(parts: InstanceParts) {
    this.tier = parts.tier
    this.index = parts.index
    this.gate = parts.gate
    this.#plant = parts.plant
    this.#pauses = parts.pauses
    this.#next = parts.next
    this.#onLeave = parts.onLeave
    this.#healthy = parts.healthy
  }

  get capacity(): number {
    return Math.min(this.ownCapacity, this.#next?.capacity ?? Infinity)
  }

  /** What this tier alone could do. */
  get ownCapacity(): number {
    return this.#plant.capacity
  }

  get stats(): GateStats {
    return this.gate?.stats ?? { limit: Infinity, inflight: this.outstanding, queued: 0 }
  }

  change(change: PlantChange): void {
    this.#plant.change(change)
  }

  /** What a change had changed is as it was in the beginning. */
  undo(change: PlantChange): void {
    const { slots, slowdown, wait } = this.#healthy
    this.#plant.change({
      ...(change.slots !== undefined && slots !== undefined && { slots }),
      ...(change.slowdown !== undefined && slowdown !== undefined && { slowdown }),
      ...(change.wait !== undefined && wait !== undefined && { wait }),
    })
  }

  call(job: Job, caller: Caller, outer?: Visit): void {
    const visit = new Visit(job, this, caller, outer)
    if (outer === undefined) job.visit = visit
    else outer.inner = visit
    this.outstanding++
    if (this.#asleep) this.#pauses!.after(0, () => this.#plant.arrive(visit, this.#decide))
    else this.#plant.arrive(visit, this.#decide)
  }

  /** The client of a visit has left. */
  leave(visit: Visit): void {
    // Before its turn nobody knows: what it had sent is read first, and that it left is read right behind that.
    if (visit.over || !visit.decided) return
    if (visit.waiting !== undefined) return visit.waiting.cancel()
    if (this.#onLeave === 'hold') return
    const { permit } = visit
    visit.permit = undefined
    if (this.#onLeave === 'abort') {
      visit.off = true
      this.#end(visit)
      this.#plant.abort(visit)
      visit.inner?.leave()
    }
    permit?.release('ignored')
  }

  /** Calls the next tier on behalf of a visit. */
  further(visit: Visit, resume: (visit: Visit) => void): void {
    visit.resume = resume
    this.#next!.call(visit.job, this.#inner, visit)
  }

  readonly #inner: Caller = {
    admitted() {},
    answered: ({ outer }) => this.#resume(outer!),
    refused: ({ outer }, rejection) => {
      outer!.rejection = rejection
      this.#resume(outer!)
    },
  }

  #resume(visit: Visit): void {
    const resume = (): void => {
      if (!visit.off) visit.resume!(visit)
    }
    if (this.#asleep) this.#pauses!.after(0, resume)
    else resume()
  }

  /** Nothing happens in a pause: it happens at its end. */
  get #asleep(): boolean {
    return this.#pauses !== undefined && this.#pauses.paused
  }

  readonly #decide = (visit: Visit): void => {
    visit.decided = true
    this.#ask(visit)
    const gone = visit.outer === undefined ? visit.job.settled : visit.outer.off
    if (gone && !visit.over) this.#plant.clock.after(0, () => this.leave(visit))
  }

  #ask(visit: Visit): void {
    if (this.gate === undefined) return this.#admit(visit)
    const entered = this.gate.enter(visit.job, true)
    if (entered.admitted === undefined) {
      visit.waiting = entered
      entered.answer = (verdict): void => this.#act(visit, verdict)
    } else this.#act(visit, entered)
  }

  #act(visit: Visit, verdict: Verdict): void {
    visit.waiting = undefined
    if (verdict.admitted) {
      visit.permit = verdict
      this.#admit(visit)
    } else this.#refuse(visit, verdict)
  }

  #admit(visit: Visit): void {
    visit.caller.admitted(visit)
    this.#plant.serve(visit, this.#served)
  }

  #refuse(visit: Visit, rejection: Rejection): void {
    visit.rejection = rejection
    // Nobody is there to be told.
    if (rejection.code === 'cancelled') this.#end(visit)
    else this.#plant.refuse(visit, this.#refused)
  }

  readonly #refused = (visit: Visit): void => {
    if (visit.off) return
    this.#end(visit)
    visit.caller.refused(visit, visit.rejection!)
  }

  readonly #served = (visit: Visit): void => {
    const { permit, rejection, job, outer, caller } = visit
    this.#end(visit)
    visit.permit = undefined
    if (rejection !== undefined) {
      permit?.release('dropped')
      caller.refused(visit, rejection)
    } else {
      permit?.release(job.settled && outer === undefined ? 'ignored' : 'success')
      caller.answered(visit)
    }
  }

  #end(visit: Visit): void {
    visit.over = true
    this.outstanding--
  }
}
