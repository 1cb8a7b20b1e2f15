import { inThisContext, throwLater, type Clock, type Instant, type Millis } from '../ground/index.ts'
import type { EventLoop } from './event-loop.ts'

/** What is started when its turn comes. */
export interface Paced {
  /** @param waited how long it was held back, in ms; 0 when it is started at once */
  start(waited: Millis): void
}

/**
 * How long the loop may be kept from reading what arrives by the starting of work, in ms. Long enough that a turn of
 * the loop (some 10 µs) is nothing beside it, short enough that nobody feels it.
 */
const AT_A_STRETCH: Millis = 2
/** Between two starts further apart than this the loop has had time of its own, in ms. */
const APART: Millis = 0.5
/** Once starting has taken this long it is found out whether the loop reads in between, in ms. */
const WORTH_ASKING: Millis = 0.5
/** How long connections may go on coming before it is looked whether more of them stand in line, in ms. */
const BETWEEN_LOOKS: Millis = 150
/** The longest it is waited for those who stand in line, in ms: whoever came before that has left. */
const LONGEST_HOLD: Millis = 600
/** Fewer connections than this since the last look are no line. */
const NO_LINE = 3

interface Held {
  readonly start: (waited: Millis) => void
  readonly since: Instant
}

/**
 * Starts work that was let in, at once while the loop is calm. Once starting it has taken more than 2 ms without the loop
 * coming round, whatever is let in next is held back until it has read what has arrived meanwhile.
 *
 * A handler that computes keeps the loop from reading. Without a pacer whatever arrives meanwhile waits in the kernel,
 * where no gate sees it, and all that has arrived is then started in one go. With one, requests are read, counted,
 * queued and refused between any two pieces of work: since a permit is held while its work is held back, a gate that
 * measures time in service sees the queue for the processor as it sees any other.
 *
 * A loop accepts one connection a turn (Node since 20), so where they come faster than turns they wait in the kernel as
 * well: with 500 before it, each would be served when its client has left. Nothing is therefore started before a turn
 * has gone by that accepted none: after every stretch of work and, as work may also compute later on, every 150 ms
 * while connections come. After a stretch it is waited for that no longer than the stretch took, else no longer
 * than somebody may have stood in line already; and then not again for as long. About half of the time belongs to those
 * who are in.
 */
export class Pacer {
  readonly #loop: EventLoop
  readonly #clock: Clock
  readonly #turn: () => void
  #waiting: Held[] = []
  #next = 0
  #holding = false
  /** Since when it is holding, and for how long it will at most for those who stand in line for a connection. */
  #since: Instant = 0
  #patience: Millis = 0
  /** How long it was holding the last time. */
  #held: Millis = 0
  /** Time spent on starting in the present stretch. */
  #spent: Millis = 0
  /** True while it is being found out whether the loop reads: asked for each start, that would cost more than starting. */
  #asked = false
  readonly #hasRead: () => void
  /** When the last start ended. */
  #ended: Instant = -Infinity
  /** Connections accepted up to the last reading; `undefined` while there was none since it began to hold. */
  #accepted: number | undefined
  /** When it was last looked whether somebody stands in line for a connection … */
  #looked: Instant
  /** … and how many had been accepted by then. */
  #before: number
  /** When it was last seen that nobody does. */
  #clear: Instant

  constructor(loop: EventLoop, clock: Clock) {
    this.#loop = loop
    this.#clock = clock
    this.#turn = () => this.#read()
    this.#hasRead = () => {
      this.#asked = false
      if (!this.#holding) this.#spent = 0
    }
    this.#looked = clock.now()
    this.#clear = this.#looked
    this.#before = loop.accepted
  }

  /** Starts it now, or when its turn comes, in the async context of this call. What it throws now surfaces here. */
  start(work: Paced): void {
    const now = this.#clock.now()
    if (!this.#holding && this.#mustLook(now)) this.#hold(now, this.#clear)
    if (this.#holding) {
      this.#waiting.push({ start: inThisContext((waited: Millis) => work.start(waited)), since: now })
      return
    }
    if (now - this.#ended > APART) this.#spent = 0
    try {
      work.start(0)
    } finally {
      this.#account(now)
      if (this.#spent >= AT_A_STRETCH) this.#hold(this.#ended, this.#looked)
      else if (this.#spent >= WORTH_ASKING && !this.#asked) {
        // Short work for many connections: the loop comes round many times before it adds up to a stretch.
        this.#asked = true
        this.#loop.afterReading(this.#hasRead)
      }
    }
  }

  #mustLook(now: Instant): boolean {
    if (now - this.#looked < Math.max(BETWEEN_LOOKS, this.#held)) return false
    if (this.#loop.accepted - this.#before >= NO_LINE) return true
    this.#lookedAt(now, true)
    return false
  }

  #account(began: Instant): void {
    const now = this.#clock.now()
    this.#spent += now - began
    this.#ended = now
  }

  #hold(now: Instant, from: Instant): void {
    this.#holding = true
    this.#since = now
    this.#patience = Math.min(LONGEST_HOLD, Math.max(AT_A_STRETCH, now - from))
    this.#accepted = undefined
    this.#loop.afterReading(this.#turn)
  }

  #lookedAt(now: Instant, clear: boolean): void {
    if (clear) this.#clear = now
    this.#looked = now
    this.#before = this.#loop.accepted
  }

  /** Everything that has arrived was read: the next stretch. */
  #read(): void {
    const now = this.#clock.now()
    const { accepted } = this.#loop
    const clear = accepted === this.#accepted
    if (!clear && now - this.#since < this.#patience) {
      this.#accepted = accepted
      this.#loop.afterReading(this.#turn)
      return
    }
    this.#lookedAt(now, clear)
    this.#held = now - this.#since
    // Where reading takes long, because most of what arrives is refused, those who are in get as much.
    const stretch = Math.max(AT_A_STRETCH, this.#held)
    this.#spent = 0
    while (this.#next < this.#waiting.length && this.#spent < stretch) this.#startNext()
    if (this.#next === this.#waiting.length) {
      this.#waiting = []
      this.#next = 0
    }
    if (this.#spent >= AT_A_STRETCH || this.#waiting.length > 0) this.#hold(this.#ended, this.#looked)
    else this.#holding = false
  }

  #startNext(): void {
    const { start, since } = this.#waiting[this.#next]!
    this.#next++
    const now = this.#clock.now()
    try {
      start(now - since)
    } catch (error) {
      // The others must not wait because of it.
      throwLater(this.#clock, error)
    }
    this.#account(now)
  }
}
