import type { Clock, Instant, Millis, Timer } from '../ground/index.ts'
import { Backlog } from './backlog.ts'
import type { Visit } from './visit.ts'

interface Task {
  readonly since: Instant
  readonly takes: Millis
  readonly run: () => void
  /** On whose behalf: for one that was called off it takes nothing. */
  readonly visit: Visit | undefined
}

/** One thread: does one thing at a time, first come, first served. */
export class Cpu {
  readonly #clock: Clock
  readonly #line = new Backlog<Task>()
  /** What belongs to the present turn and goes first: as microtasks and synchronous calls do. */
  readonly #turn = new Backlog<Task>()
  /** How long the last event had waited for its turn. */
  #waited: Millis = 0
  #busy = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * How long events wait for their turn, in ms: the last that had its turn, or the next if that has waited longer
   * already. 0 while there is nothing to do.
   */
  get lag(): Millis {
    if (!this.#busy) return 0
    const { first } = this.#line
    return first === undefined ? this.#waited : Math.max(this.#waited, this.#clock.now() - first.since)
  }

  /** Does it after everything that is there already: a new event. */
  post(takes: Millis, run: () => void, visit?: Visit): void {
    this.#add(this.#line, takes, run, visit)
  }

  /** Does it before anything else, after what else the present turn has left to do. */
  follow(takes: Millis, run: () => void, visit?: Visit): void {
    this.#add(this.#turn, takes, run, visit)
  }

  #add(line: Backlog<Task>, takes: Millis, run: () => void, visit: Visit | undefined): void {
    line.push({ since: this.#clock.now(), takes, run, visit })
    if (!this.#busy) this.#work()
  }

  #work(): void {
    this.#busy = true
    for (;;) {
      const task = this.#turn.shift() ?? this.#event()
      if (task === undefined) break
      if (task.takes > 0 && task.visit?.off !== true) {
        this.#clock.after(task.takes, () => {
          task.run()
          this.#work()
        })
        return
      }
      task.run()
    }
    this.#busy = false
  }

  #event(): Task | undefined {
    const event = this.#line.shift()
    if (event !== undefined) this.#waited = this.#clock.now() - event.since
    return event
  }
}

/** A clock whose timers are run by a thread when it gets to them, as those of Node are. */
export class CpuClock implements Clock {
  readonly #clock: Clock
  readonly #cpu: Cpu

  constructor(clock: Clock, cpu: Cpu) {
    this.#clock = clock
    this.#cpu = cpu
  }

  now(): Instant {
    return this.#clock.now()
  }

  after(delay: Millis, run: () => void): Timer {
    let cancelled = false
    const timer = this.#clock.after(delay, () =>
      this.#cpu.post(0, () => {
        if (!cancelled) run()
      }),
    )
    const cancel = (): void => {
      cancelled = true
      timer.cancel()
    }
    return { cancel, [Symbol.dispose]: cancel }
  }
}
