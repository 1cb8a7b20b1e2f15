import { systemClock, type Clock, type Instant, type Millis, type Random, type Timer } from 'sluice'
import type { Counts, Exchange, LiveSecond, LoadReport, Phase, Receiver, Reply, Transport } from './load.ts'
import { isRefusal, readRefusal } from './refusal.ts'
import { Schedule } from './schedule.ts'
import { count, noCounts, Score } from './score.ts'
import { Stopwatch } from './stopwatch.ts'

export interface OpenLoopOptions {
  readonly transport: Transport
  /** What is offered, one after the other. At least one. */
  readonly phases: readonly Phase[]
  /** Given, arrivals are a Poisson process; else they are evenly spaced. */
  readonly random?: Random
  /** How long a request waits for its answer, in ms from its due time, before it is aborted. Default 1000. */
  readonly timeout?: Millis
  /** An answer 2xx this long after the due time, in ms, is still good. Default 500. */
  readonly goodWithin?: Millis
  /** Called once a second with what happened in it. */
  readonly onSecond?: (second: LiveSecond) => void
  /** Stops the run: what is under way is aborted and counts nowhere. */
  readonly signal?: AbortSignal
  /** Default the system's. */
  readonly clock?: Clock
}

/** Sent this long after it was due, a request is late. */
const LATE: Millis = 20
/** How long it may go on sending before it looks at what came in. */
const AT_ONCE: Millis = 5
const SECOND: Millis = 1000

/**
 * Offers load the way the world does: arrivals come when they are due by the clock, however the target fares, and
 * latency and patience count from the due time. A closed loop (so many clients, each waiting for its answer) slows down
 * with the target and so hides the very overload it is looking for: coordinated omission.
 *
 * Requests count in the phase and the second they were due in, once their fate is known.
 * @throws RangeError for a phase out of range
 */
export function openLoop(options: OpenLoopOptions): Promise<LoadReport> {
  const run = new Run(options)
  return run.finished
}

class Run {
  readonly finished: Promise<LoadReport>
  readonly clock: Clock
  readonly timeout: Millis
  readonly goodWithin: Millis
  readonly live: Counts = noCounts()
  readonly liveAdmitted: Stopwatch = new Stopwatch()
  readonly #options: OpenLoopOptions
  readonly #schedule: Schedule
  readonly #scores: readonly Score[]
  readonly #start: Instant
  /** In the order they were due, which is the order they time out in: one timer serves them all. */
  #flights: Flight[] = []
  /** How many of them have a fate that is not known yet. */
  #pending = 0
  #oldest = 0
  #seconds = 0
  /** What was due up to here and not sent by then never will be. */
  #writtenOff: Instant = -Infinity
  #timer: Timer | undefined
  #over = false
  #finish: (report: LoadReport) => void = () => {}

  constructor(options: OpenLoopOptions) {
    this.#options = options
    this.clock = options.clock ?? systemClock
    this.timeout = options.timeout ?? 1000
    this.goodWithin = options.goodWithin ?? 500
    this.#schedule = new Schedule(options.phases, options.random)
    this.#scores = options.phases.map(() => new Score())
    this.#start = this.clock.now()
    this.finished = new Promise((resolve) => (this.#finish = resolve))
    options.signal?.addEventListener('abort', this.#stop, { once: true })
    if (options.signal?.aborted === true) this.#stop()
    else this.#tick()
  }

  readonly #stop = (): void => {
    this.#end(true)
  }

  readonly #tick = (): void => {
    this.#tellSecond()
    this.#sendDue()
    this.#expire()
    this.#endIfDone()
    if (this.#over) return
    const now = this.clock.now()
    const last = this.#start + this.#schedule.end
    // Each of these is compared below exactly as it is written here: rounded differently, time could stand still.
    const next = Math.min(
      this.#start + this.#schedule.due,
      this.#flights[this.#oldest]?.deadline ?? Infinity,
      this.#nextSecond,
      last > now ? last : Infinity,
    )
    this.#timer = this.clock.after(next - now, this.#tick)
  }

  /** The fate of one more request is known. */
  landed(): void {
    this.#pending--
    this.#endIfDone()
  }

  #endIfDone(): void {
    const { due, end } = this.#schedule
    if (due === Infinity && this.#pending === 0 && this.clock.now() >= this.#start + end) this.#end(false)
  }

  #sendDue(): void {
    const schedule = this.#schedule
    const began = this.clock.now()
    for (;;) {
      const now = this.clock.now()
      const due = this.#start + schedule.due
      // A generator that is behind must still read answers, or it never catches up and calls them all timeouts.
      if (due > now || now - began > AT_ONCE) return
      const score = this.#scores[schedule.phase]!
      const flight = new Flight(this, score, score.second(schedule.due - schedule.begin), due)
      const late = now - due > LATE
      for (const counts of [score.counts, flight.second, this.live]) {
        counts.offered++
        if (late) counts.late++
      }
      this.#pending++
      schedule.advance()
      // Hopelessly behind, it gives up all it owes. Sent in order, each would go out just before its client leaves, and
      // the generator would stay behind for ever.
      if (flight.deadline <= now) this.#writtenOff = now
      if (due <= this.#writtenOff) {
        flight.expire()
      } else {
        this.#flights.push(flight)
        flight.exchange = this.#options.transport.send(flight)
      }
    }
  }

  #expire(): void {
    const now = this.clock.now()
    for (;;) {
      const flight = this.#flights[this.#oldest]
      if (flight === undefined || (!flight.landed && flight.deadline > now)) break
      if (!flight.landed) flight.expire()
      this.#oldest++
    }
    if (this.#oldest > 1024 && this.#oldest * 2 > this.#flights.length) {
      this.#flights = this.#flights.slice(this.#oldest)
      this.#oldest = 0
    }
  }

  get #nextSecond(): Instant {
    return this.#start + (this.#seconds + 1) * SECOND
  }

  #tellSecond(): void {
    if (this.clock.now() < this.#nextSecond) return
    const passed = ++this.#seconds
    const { phases, onSecond } = this.#options
    // The second just past, which may have ended together with its phase.
    let end = 0
    const phase = phases.find(({ duration }) => (end += duration) >= passed * SECOND)
    if (phase !== undefined) onSecond?.({ ...this.live, at: passed, phase, p99: this.liveAdmitted.at(99) })
    Object.assign(this.live, noCounts())
    this.liveAdmitted.reset()
  }

  #end(stopped: boolean): void {
    if (this.#over) return
    this.#over = true
    this.#timer?.cancel()
    this.#options.signal?.removeEventListener('abort', this.#stop)
    for (let index = this.#oldest; index < this.#flights.length; index++) this.#flights[index]!.leave()
    const phases = this.#options.phases.map((phase, index) => this.#scores[index]!.report(phase))
    this.#finish({ phases, stopped })
  }
}

/** One request: it knows when it was due and where it counts. */
class Flight implements Receiver {
  readonly due: Instant
  /** When the client's patience ends. */
  readonly deadline: Instant
  readonly second: Counts
  exchange: Exchange | undefined
  landed = false
  readonly #run: Run
  readonly #score: Score

  constructor(run: Run, score: Score, second: Counts, due: Instant) {
    this.#run = run
    this.#score = score
    this.second = second
    this.due = due
    this.deadline = due + run.timeout
  }

  answered(reply: Reply): void {
    if (this.landed) return
    const latency = this.#run.clock.now() - this.due
    // A generator that was held up may read an answer before it gets to give up on it.
    if (latency > this.#run.timeout) {
      this.expire()
      return
    }
    const { status } = reply
    count(this.#score.statuses, status)
    if (isRefusal(status)) {
      const { reason, explained } = readRefusal(reply)
      count(this.#score.reasons, reason)
      this.#score.refused.record(latency)
      if (!explained) this.#add('unexplained')
      this.#land('rejected')
    } else if (status >= 200 && status < 300) {
      this.#admitted(latency)
      this.#land(latency <= this.#run.goodWithin ? 'good' : 'slow')
    } else {
      this.#land('failed')
    }
  }

  failed(code: string): void {
    if (this.landed) return
    count(this.#score.causes, code)
    this.#land('errors')
  }

  expire(): void {
    this.#admitted(this.#run.timeout)
    this.#land('timeouts')
    this.exchange?.abort()
  }

  leave(): void {
    if (this.landed) return
    this.landed = true
    this.exchange?.abort()
  }

  #admitted(latency: Millis): void {
    this.#score.admitted.record(latency)
    this.#run.liveAdmitted.record(latency)
  }

  #land(kind: keyof Counts): void {
    this.landed = true
    this.#add(kind)
    this.#run.landed()
  }

  #add(kind: keyof Counts): void {
    this.#score.counts[kind]++
    this.second[kind]++
    this.#run.live[kind]++
  }
}
