import { inThisContext, throwLater, type Clock, type Millis, type Timer } from '../ground/index.ts'

/** The slice of `net.Socket` that says when the client has left, and that can be kept from reading on. */
export interface Connection {
  readonly destroyed?: boolean
  on(event: 'close' | 'resume', listener: () => void): unknown
  pause?(): unknown
  resume?(): unknown
  destroy?(): unknown
}

/** What wants to know that its client left. */
export interface Leaver {
  left(): void
}

/** One request of a {@link Pipeline}. The links are the pipeline's. */
export interface Piped extends Leaver {
  before: Piped | undefined
  after: Piped | undefined
}

/** From so many held back requests on the connection is not read any further. */
const MOST_HELD = 1000
/** … until no more than these are left. */
const FEW_HELD = 500
/** How long nothing may end on a connection that is not read before it is looked whether its client has left, in ms. */
const LOOK: Millis = 1000
/** How often that is looked, each time at the price of another 64 KiB of requests, before it is cut off. */
const MOST_LOOKS = 4

interface Held {
  readonly start: (nothing: undefined) => void
  readonly most: number
}

const PIPELINE: unique symbol = Symbol('sluice.pipeline')

interface Marked {
  [PIPELINE]?: Pipeline
}

const everyone = new Set<Pipeline>()

/** All connections that carried a request of some door and are open still. */
export function openPipelines(): Iterable<Pipeline> {
  return everyone
}

/** The requests of this connection. A property of it: a `WeakMap` costs ten times as much at every request. */
export function pipelineOf(connection: Connection): Pipeline {
  return (connection as Marked)[PIPELINE] ?? begin(connection)
}

function begin(connection: Connection): Pipeline {
  const pipeline = new Pipeline(connection)
  ;(connection as Marked)[PIPELINE] = pipeline
  // Of one that is gone the end may have been told already, and what cannot be paused is no connection: frameworks that
  // are asked without one make something up for each request, and never close it.
  if (connection.destroyed !== true && connection.pause !== undefined) everyone.add(pipeline)
  connection.on('close', () => {
    everyone.delete(pipeline)
    pipeline.close()
  })
  return pipeline
}

/**
 * The requests of one connection, in the order they came. One listener for each connection, however many requests are
 * open on it: pipelining would else add one for each of them, and Node warns of a leak at the eleventh.
 *
 * node:http hands over all requests of one read at once, a thousand and more of 64 KiB. Of those, the first `most` are
 * taken up and the others held back, as long as nobody of this connection waits at a gate: their answers could not
 * overtake anyway, and a slot given to a later request would stand idle until the earlier one has been answered.
 *
 * Held back requests are memory, so from 1000 of them on the connection is not read. That hides the departure of its
 * client; hence where none is taken up for a second, one more piece is read, four times, and then the connection is cut
 * off: some ten thousand requests were sent on it and none of them can be answered.
 */
export class Pipeline {
  readonly connection: Connection
  /** Requests taken up and not over. */
  open = 0
  /** True while a request of this connection waits at a gate. */
  waiting = false
  #first: Piped | undefined
  #last: Piped | undefined
  #watchers: Set<Leaver> | undefined
  #held: Held[] = []
  #next = 0
  #due = false
  /** True when one was taken up since it was last looked for the client. */
  #moved = false
  #clock: Clock | undefined
  #stopped = false
  #heedsResume = false
  #looks = 0
  #timer: Timer | undefined

  constructor(connection: Connection) {
    this.connection = connection
  }

  /** Requests that were held back and have not been taken up yet. */
  get held(): number {
    return this.#held.length - this.#next
  }

  /** Everybody who is in progress, waits or is held back, in the order they came. */
  *visits(): Generator<Piped> {
    for (let visit = this.#first; visit !== undefined; visit = visit.after) yield visit
  }

  add(visit: Piped): void {
    visit.before = this.#last
    if (this.#last === undefined) this.#first = visit
    else this.#last.after = visit
    this.#last = visit
  }

  remove(visit: Piped): void {
    const { before, after } = visit
    if (before === undefined) this.#first = after
    else before.after = after
    if (after === undefined) this.#last = before
    else after.before = before
    visit.before = undefined
    visit.after = undefined
  }

  /** Tells somebody who is no request of this pipeline when the client leaves. */
  watch(leaver: Leaver): void {
    this.#watchers ??= new Set()
    this.#watchers.add(leaver)
  }

  unwatch(leaver: Leaver): void {
    this.#watchers?.delete(leaver)
  }

  /** True where a request may be taken up at once. */
  takes(most: number): boolean {
    return this.open < most && !this.waiting && this.#next === this.#held.length
  }

  /** Takes one up by `start` when its turn has come and fewer than `most` are, in the async context of this call. */
  hold(start: () => void, most: number, clock: Clock): void {
    this.#clock = clock
    this.#held.push({ start: inThisContext<undefined>(start), most })
    if (this.held >= MOST_HELD && !this.#stopped) this.#stop(clock)
  }

  /** Somebody ended, or waits no longer: whoever is next is taken up as soon as everybody has heard of it. */
  advance(): void {
    if (this.#next === this.#held.length || this.#due) return
    this.#due = true
    queueMicrotask(() => this.#advance())
  }

  #advance(): void {
    this.#due = false
    while (this.#next < this.#held.length && !this.waiting) {
      const { start, most } = this.#held[this.#next]!
      if (this.open >= most) break
      this.#next++
      this.#moved = true
      try {
        start(undefined)
      } catch (error) {
        // This runs because another request ended, which is not to blame.
        throwLater(this.#clock!, error)
      }
    }
    this.#forget()
    if (this.#stopped && this.held <= FEW_HELD) {
      this.#looks = 0
      this.#goOn()
    }
  }

  /** Lets go of those who have been taken up. */
  #forget(): void {
    if (this.#next < 64 && this.#next < this.#held.length) return
    this.#held = this.#held.slice(this.#next)
    this.#next = 0
  }

  #stop(clock: Clock): void {
    const { connection } = this
    this.#stopped = true
    if (!this.#heedsResume) {
      this.#heedsResume = true
      // node:http reads on whenever a body is wanted or a response is out.
      connection.on('resume', () => {
        if (this.#stopped) connection.pause?.()
      })
    }
    connection.pause?.()
    this.#timer ??= clock.after(LOOK, () => this.#look(clock), { background: true })
  }

  #look(clock: Clock): void {
    this.#timer = undefined
    if (!this.#stopped) return
    // Where answers are written, writing tells whether somebody is there.
    if (!this.#moved) {
      if (++this.#looks > MOST_LOOKS) {
        this.connection.destroy?.()
        return
      }
      this.#goOn()
    }
    this.#moved = false
    this.#timer = clock.after(LOOK, () => this.#look(clock), { background: true })
  }

  #goOn(): void {
    this.#stopped = false
    this.connection.resume?.()
  }

  /** The connection is gone, and so is everybody on it. */
  close(): void {
    this.#timer?.cancel()
    this.#stopped = false
    this.#held = []
    this.#next = 0
    for (let visit = this.#first; visit !== undefined; visit = this.#first) {
      visit.left()
      // Whoever had ended all the same is not asked again.
      if (this.#first === visit) this.remove(visit)
    }
    for (const leaver of this.#watchers ?? []) leaver.left()
    this.#watchers = undefined
  }
}
