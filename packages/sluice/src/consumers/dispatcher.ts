import { isRejection, retryAfterOf, type Clock, type Millis, type Rejection, type Timer } from '../ground/index.ts'
import type { Gate, RunOptions } from '../gate/index.ts'
import { channel } from '../stream/index.ts'

/** How a piece of work ended. */
export type End =
  | { readonly kind: 'done' }
  /** Nobody wants it any more: its partition or its channel was lost, or the consumer stops. */
  | { readonly kind: 'gone' }
  /** By a gate: by ours before it began, or by one further in. */
  | { readonly kind: 'refused'; readonly rejection: Rejection; readonly begun: boolean }
  | { readonly kind: 'failed'; readonly error: unknown }

/** A piece of work. */
export interface Task {
  /** Work of one lane is done one after another, in the order it came. `undefined`: beside everything else. */
  readonly lane: string | undefined
  /** What the gate is told, and what calls the work off. */
  readonly entry: RunOptions
  /** True once nobody wants it any more. */
  readonly gone: boolean
  perform(signal: AbortSignal): unknown
  /** Says in how many ms to do it again, or `undefined` when that was all. Must not throw. */
  ended(end: End): Millis | undefined | Promise<Millis | undefined>
}

const DONE: End = { kind: 'done' }
const GONE: End = { kind: 'gone' }
/** More than anybody has in memory: what comes in is bounded where it comes in. */
const MOST = 2 ** 24

/**
 * Does work through a gate. One task at a time asks to be let in, so that whatever the gate and its queue are, order
 * within a lane is kept and what waits can still be dropped; after a refusal nobody asks until the gate said so, or until
 * work of ours has made room.
 */
export class Dispatcher {
  readonly #gate: Gate
  readonly #clock: Clock
  readonly #ready = channel<Task>({ capacity: MOST, policy: 'reject' })
  /** To be done again: before everybody who is ready. */
  readonly #again: Task[] = []
  /** What stands behind the task of a lane that is ready, at work or waiting to be done again. */
  readonly #lanes = new Map<string, Task[]>()
  readonly #later = new Map<Task, Timer>()
  #asking = false
  #rest: Timer | undefined
  /** False when the gate that refused knew when to come back. */
  #guessed = false
  /** How often it is worth asking while resting: once for each slot of ours that came free since. */
  #credits = 0
  #launching = false
  #closed = false
  /** Ended, and whoever is to say what becomes of it has not answered. */
  #judged = 0
  #running = 0
  #idle: (() => void)[] = []

  constructor(gate: Gate, clock: Clock) {
    this.#gate = gate
    this.#clock = clock
  }

  /** Tasks let in and not ended. */
  get running(): number {
    return this.#running
  }

  add(task: Task): void {
    if (task.lane !== undefined) {
      const behind = this.#lanes.get(task.lane)
      if (behind !== undefined) {
        behind.push(task)
        return
      }
      this.#lanes.set(task.lane, [])
    }
    this.#ready.push(task)
    this.#launch()
  }

  /** Drops what has not begun. What has begun goes on, and so does the one task that is asking to be let in. */
  close(): void {
    this.#closed = true
    this.#rest?.cancel()
    this.#rest = undefined
    for (const [task, timer] of this.#later) {
      timer.cancel()
      this.#later.delete(task)
      this.#settle(task, GONE)
    }
    this.#launch()
  }

  /** Resolves when nothing is at work. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#idle.push(resolve)
      this.#tellIdle()
    })
  }

  #launch(): void {
    // Work that is let in at once launches from within: one loop at a time, or a wide gate would be a deep stack.
    if (this.#launching) return
    this.#launching = true
    while (!this.#asking && (this.#rest === undefined || this.#credits > 0)) {
      const task = this.#again.shift() ?? this.#ready.tryTake()?.value
      if (task === undefined) break
      if (this.#closed || task.gone) this.#settle(task, GONE)
      else this.#ask(task)
    }
    this.#launching = false
    this.#tellIdle()
  }

  #ask(task: Task): void {
    this.#asking = true
    if (this.#rest !== undefined) this.#credits--
    let begun = false
    const work = (signal: AbortSignal): unknown => {
      begun = true
      this.#asking = false
      this.#running++
      try {
        return task.perform(signal)
      } finally {
        this.#launch()
      }
    }
    const ended = (end: End): void => {
      if (begun) this.#running--
      else this.#asking = false
      if (end.kind === 'refused' && !begun) this.#pause(end.rejection)
      if (begun && this.#rest !== undefined && this.#guessed) this.#credits++
      this.#settle(task, end)
      this.#launch()
    }
    this.#gate.run(work, task.entry).then(
      () => ended(task.gone ? GONE : DONE),
      (error) => ended(task.gone ? GONE : whyNot(error, begun)),
    )
  }

  #pause(rejection: Rejection): void {
    if (this.#closed || this.#rest !== undefined) return
    this.#guessed = rejection.retryAfter === undefined
    this.#credits = 0
    this.#rest = this.#after(restAfter(rejection), () => {
      this.#rest = undefined
      this.#launch()
    })
  }

  #settle(task: Task, end: End): void {
    const again = task.ended(end)
    if (typeof again !== 'object') return this.#decided(task, again)
    this.#judged++
    void again.then((later) => {
      this.#judged--
      this.#decided(task, later)
      this.#launch()
    })
  }

  #decided(task: Task, again: Millis | undefined): void {
    if (again === undefined) return this.#leave(task)
    if (this.#closed || task.gone) return this.#settle(task, GONE)
    if (again <= 0) {
      this.#again.push(task)
      return
    }
    const timer = this.#after(again, () => {
      this.#later.delete(task)
      this.#again.push(task)
      this.#launch()
    })
    this.#later.set(task, timer)
  }

  /** In the background: a client that was closed without draining is no reason to stay alive. */
  #after(delay: Millis, run: () => void): Timer {
    return this.#clock.after(delay, run, { background: true })
  }

  #leave({ lane }: Task): void {
    if (lane === undefined) return
    const next = this.#lanes.get(lane)?.shift()
    if (next === undefined) this.#lanes.delete(lane)
    else this.#ready.push(next)
  }

  #tellIdle(): void {
    if (this.#running > 0 || this.#asking || this.#judged > 0) return
    for (const resolve of this.#idle.splice(0)) resolve()
  }
}

/** When to ask again after a refusal, in ms. */
export function restAfter(rejection: Rejection): Millis {
  return Math.max(1, retryAfterOf(rejection) ?? 1000)
}

/** The refusal an error stands for; `undefined` for every other error, and for work that was out of time. */
export function refusalIn(error: unknown): Rejection | undefined {
  if (!(error instanceof Error)) return undefined
  const { rejection } = error as { readonly rejection?: unknown }
  if (!isRejection(rejection) || rejection.code === 'deadline' || rejection.code === 'cancelled') return undefined
  return rejection
}

function whyNot(error: unknown, begun: boolean): End {
  const rejection = refusalIn(error)
  return rejection === undefined ? { kind: 'failed', error } : { kind: 'refused', rejection, begun }
}
