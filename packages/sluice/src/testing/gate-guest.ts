import type { Arrival, Instant, Permit } from '../ground/index.ts'
import type { Mood } from './gate-script.ts'

/** One arrival of a script and what became of it. */
export class Guest {
  readonly id: number
  readonly arrival: Arrival
  readonly mood: Mood
  /** True when its answer comes through a promise, a little after the gate gave it. */
  readonly byPromise: boolean
  readonly asked: Instant
  /** When its patience ends. */
  readonly until: Instant
  /** Before `enter` has returned; waiting for an answer; let in; permit ended; refused. */
  state: 'asking' | 'waiting' | 'in' | 'ended' | 'refused' = 'asking'
  answers = 0
  /** It has asked to wait no longer. */
  leaving = false
  permit: Permit | undefined
  /** Stops the waiting. */
  stop: (() => void) | undefined

  constructor(id: number, arrival: Arrival, mood: Mood, byPromise: boolean, now: Instant) {
    this.id = id
    this.arrival = arrival
    this.mood = mood
    this.byPromise = byPromise
    this.asked = now
    this.until = Math.min(now + (arrival.maxWait ?? Infinity), arrival.deadline ?? Infinity)
  }

  /** Ended without an answer of the gate: its own abort came first, or it asked for more than there can ever be. */
  leave(): void {
    this.answers++
    this.state = 'refused'
  }

  /** The latest a refusal for lack of patience may come: timers are as coarse as 1 ms or 1/256 of the way. */
  get latest(): Instant {
    const patience = Math.max(0, this.until - this.asked)
    return this.asked + patience + Math.max(1, patience / 256)
  }
}
