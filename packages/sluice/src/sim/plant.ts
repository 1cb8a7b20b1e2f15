import type { Clock, Millis } from '../ground/index.ts'
import type { Visit } from './visit.ts'

/** What is told when a plant has done its part. */
export type Done = (visit: Visit) => void

/** How a plant changes while it runs; what is not named stays. */
export interface PlantChange {
  /** Workers. At least 0; at 0 nothing new begins. */
  readonly slots?: number
  /** Multiplies every time in service of what begins from now on. Above 0; 1 is healthy. */
  readonly slowdown?: number
  /** Multiplies the times spent waiting for others alone. Above 0; 1 is healthy. */
  readonly wait?: number
}

/** What does the work behind a gate, in virtual time. Bounds nothing: that is what the gate is for. */
export interface Plant {
  /** What the gate of this plant lives on: where all shares one thread, its timers are late when that is busy. */
  readonly clock: Clock
  /** What it can do at most as things stand, in jobs of work 1 a second; `Infinity` where nothing bounds it. */
  readonly capacity: number
  /** How long events wait for their turn of late, in ms: the delay of an event loop. 0 where there is none. */
  readonly lag: Millis
  /** Brings an arrival to where the gate is asked: at once, or after its turn and its parsing. */
  arrive(visit: Visit, decide: Done): void
  /** Does the work of whoever was let in. */
  serve(visit: Visit, done: Done): void
  /** Pays for a refusal. */
  refuse(visit: Visit, done: Done): void
  /** Stops the work of one whose caller has left, and frees what it holds. Its `done` is not called any more. */
  abort(visit: Visit): void
  change(change: PlantChange): void
}

/** Calls the next tier in the middle of the work, and goes on when that has answered. */
export type Further = (visit: Visit, resume: Done) => void
