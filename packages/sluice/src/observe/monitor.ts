import {
  checkNumber,
  Source,
  systemClock,
  tell,
  type Clock,
  type Instant,
  type Millis,
  type Signal,
  type Timer,
} from '../ground/index.ts'
import type { Gate } from '../gate/index.ts'
import type { Alert, AlertNotice } from './alert.ts'
import { checkAlert } from './check-alert.ts'
import { checkWatched } from './check-watched.ts'
import { Episode, type EpisodeOptions } from './episode.ts'
import type { MonitorReading } from './monitor-reading.ts'
import type { LongestWait, Tally } from './tally.ts'

export interface MonitorOptions {
  /** Default: the platform's. Should be the gate's. */
  readonly clock?: Clock
  /** Time between two readings, in ms. At least 1; default 1000. */
  readonly every?: Millis
  /** What rates and waits look back on, in ms. From `every` to a thousand times it; default ten times it. */
  readonly window?: Millis
  /** Default: none. */
  readonly alerts?: readonly Alert[]
  /** Told what an action threw or rejected with. Default: nobody; see {@link Monitor.failures}. */
  readonly failed?: (error: unknown, alert: string) => void
}

/** The readings of a gate as a signal, until it is disposed. */
export interface Monitor extends Signal<MonitorReading>, Disposable {
  /** Names of the alerts whose episode is going on. */
  readonly raised: readonly string[]
  /** How many actions have thrown or rejected. */
  readonly failures: number
}

/**
 * Watches the queue of a gate: takes a reading every second on a timer that keeps no process alive, and calls the
 * actions of alerts, once per episode. `tally` must be the observer of `gate`. Disposing it clears no alerts.
 * @throws RangeError for an option out of range, and for an alert that could never fire
 */
export function monitor(gate: Gate, tally: Tally, options: MonitorOptions = {}): Monitor {
  checkWatched('monitor', gate, tally)
  return new QueueMonitor(gate, tally, options)
}

/** Where the counters stood at one reading. */
interface Mark {
  readonly at: Instant
  readonly depth: number
  readonly waits: number
  readonly admissions: number
  readonly rejections: number
  readonly waitTotal: Millis
  /** Longest wait let in since the mark before. */
  readonly longest: Millis
}

interface Watch {
  readonly alert: Alert
  readonly episode: Episode
}

class QueueMonitor implements Monitor {
  readonly #gate: Gate
  readonly #tally: Tally
  readonly #clock: Clock
  readonly #every: Millis
  readonly #window: Millis
  readonly #watches: readonly Watch[]
  readonly #failed: ((error: unknown, alert: string) => void) | undefined
  readonly #longest: LongestWait
  /** Oldest first; the oldest is where the window begins. */
  readonly #marks: Mark[] = []
  readonly #source: Source<MonitorReading>
  #reading: MonitorReading
  #failures = 0
  #timer: Timer | undefined
  #ended = false

  constructor(gate: Gate, tally: Tally, options: MonitorOptions) {
    this.#gate = gate
    this.#tally = tally
    this.#clock = options.clock ?? systemClock
    this.#source = new Source(() => this.#reading, this.#clock)
    this.#every = checkNumber('monitor.every', options.every ?? 1000, 1)
    this.#window = checkNumber('monitor.window', options.window ?? this.#every * 10, this.#every, this.#every * 1000)
    this.#watches = (options.alerts ?? []).map(watchOf)
    this.#failed = options.failed
    this.#longest = tally.longestWait()
    this.#reading = this.#read()
    this.#arm()
  }

  get value(): MonitorReading {
    return this.#reading
  }

  get raised(): readonly string[] {
    return this.#watches.filter(({ episode }) => episode.on).map(({ alert }) => alert.name)
  }

  get failures(): number {
    return this.#failures
  }

  subscribe(listener: (value: MonitorReading) => void): Disposable {
    return this.#source.subscribe(listener)
  }

  [Symbol.dispose](): void {
    this.#ended = true
    this.#timer?.cancel()
    this.#longest[Symbol.dispose]()
  }

  #arm(): void {
    this.#timer = this.#clock.after(this.#every, () => this.#tick(), { background: true })
  }

  #tick(): void {
    // First, so that nothing below can be the end of it.
    this.#arm()
    this.#reading = this.#read()
    for (const watch of this.#watches) if (!this.#ended) this.#look(watch)
    if (!this.#ended) this.#source.changed()
  }

  #look({ alert, episode }: Watch): void {
    const reading = this.#reading
    this.#attempt(alert, () => {
      const change = episode.take(valueOf(alert, reading), reading.at)
      const notice: AlertNotice = { alert: alert.name, gate: this.#gate.name, reading }
      if (change === 'began') return alert.action(notice)
      return change === 'ended' ? alert.cleared?.(notice) : undefined
    })
  }

  /** Hooks that call other systems are usually async: a rejection is a failure like any other. */
  #attempt(alert: Alert, act: () => unknown): void {
    const failed = (error: unknown): void => {
      this.#failures++
      tell(this.#clock, this.#failed, error, alert.name)
    }
    try {
      const acted = act()
      if (acted !== undefined) Promise.resolve(acted).catch(failed)
    } catch (error) {
      failed(error)
    }
  }

  #read(): MonitorReading {
    const mark = this.#mark()
    const marks = this.#marks
    marks.push(mark)
    // The last mark at or before the beginning of the window stays: rates are differences to it. Timers may fire early.
    while (marks.length > 2 && marks[1]!.at <= mark.at - this.#window + 1) marks.shift()
    const from = marks[0]!
    const seconds = (mark.at - from.at) / 1000
    const perSecond = (count: number): number => (seconds > 0 ? Math.max(0, count) / seconds : 0)
    const admitted = mark.admissions - from.admissions
    const { limit, inflight } = this.#gate.stats
    return {
      at: mark.at,
      depth: mark.depth,
      enqueueRate: perSecond(mark.waits - from.waits),
      dequeueRate: perSecond(departures(from, mark)),
      waitAverage: admitted > 0 ? (mark.waitTotal - from.waitTotal) / admitted : 0,
      waitMax: Math.max(this.#stillWaiting(mark), ...marks.slice(1).map(({ longest }) => longest)),
      admitRate: perSecond(admitted),
      rejectRate: perSecond(mark.rejections - from.rejections),
      utilization: Number.isFinite(limit) && limit > 0 ? inflight / limit : 0,
    }
  }

  #mark(): Mark {
    const { waits, admissions, rejections, waitTotal } = this.#tally
    const { queued: depth } = this.#gate.stats
    return { at: this.#clock.now(), depth, waits, admissions, rejections, waitTotal, longest: this.#longest.take() }
  }

  /**
   * How long somebody has been waiting who waits still: when fewer have left since a mark than waited then, one of
   * those is here yet, whatever the order of the queue. Without it a queue that does not move at all would look calm.
   */
  #stillWaiting(now: Mark): Millis {
    const stuck = this.#marks.find((mark) => departures(mark, now) < mark.depth)
    return stuck === undefined ? 0 : now.at - stuck.at
  }
}

/** How many left the queue between two marks: whoever came and is not there. */
function departures(from: Mark, to: Mark): number {
  return to.waits - from.waits - (to.depth - from.depth)
}

function watchOf(alert: Alert): Watch {
  checkAlert(alert)
  const threshold: EpisodeOptions = typeof alert.when === 'function' ? { above: 0 } : alert.when
  return { alert, episode: new Episode(threshold) }
}

function valueOf({ when }: Alert, reading: MonitorReading): number {
  return typeof when === 'function' ? Number(when(reading)) : reading[when.metric]
}
