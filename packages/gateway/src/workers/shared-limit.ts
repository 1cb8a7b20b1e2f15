import type { Clock, Instant, LimitAlgorithm } from 'sluice'
import { Meter } from 'sluice/arbiter'
import type { Keeper } from './in-common.ts'
import { BEGAN, OUTCOMES, type PartDecision, type PartTold } from './part-news.ts'
import { split } from './split.ts'

export interface SharedLimitOptions {
  readonly algorithm: LimitAlgorithm
  /** Shows the same time as that of the workers. */
  readonly clock: Clock
  readonly send: (member: string, decision: PartDecision) => void
}

/** A worker that has not told so long is not waited for, in ms: what it tells later happened when it is heard. */
const HORIZON = 50
/** The same of one that does not say that it goes by the latest decision. */
const OBEDIENCE = 250

/** What is known of a part. */
interface Part {
  news: PartTold
  /** What it was told last. */
  permits: number
  era: number
  /** What is in progress there by what was heard of it: to which cohort it belongs, and since when. */
  readonly work: Map<number, { readonly cohort: number; readonly start: Instant }>
}

interface Event {
  readonly at: Instant
  readonly part: Part
  readonly number: number
  readonly what: number
}

/**
 * A limit that several workers share and that finds itself. Each alone would take what the others do for the weather, and
 * they drive each other up or down; so all that goes in and out anywhere passes one meter here, in the order in which it
 * happened, and what it decides is divided among them. What happens until a decision is in force everywhere says nothing
 * about it, and is not judged.
 */
export class SharedLimit implements Keeper<PartTold> {
  readonly #options: SharedLimitOptions
  readonly #meter: Meter
  readonly #parts = new Map<string, Part>()
  #events: Event[] = []
  #inflight = 0
  /** Somebody waits somewhere. */
  #waiting = false
  #last: Instant
  #era = 1
  /** When the latest decision was made, while it is not in force everywhere. */
  #decided: Instant | undefined

  constructor(options: SharedLimitOptions) {
    this.#options = options
    this.#last = options.clock.now()
    this.#meter = new Meter(options.algorithm, this.#last)
  }

  /** Of all workers together. */
  get limit(): number {
    return Math.max(1, Math.floor(this.#meter.limit))
  }

  hear(member: string, news: PartTold): void {
    let part = this.#parts.get(member)
    if (part === undefined) this.#parts.set(member, (part = { news, permits: 0, era: 0, work: new Map() }))
    part.news = news
    const { events } = news
    for (let at = 0; at < events.length; at += 3)
      this.#events.push({ at: events[at]!, part, number: events[at + 1]!, what: events[at + 2]! })
    this.#look()
    this.#divide()
  }

  get members(): readonly string[] {
    return [...this.#parts.keys()]
  }

  /** A part has ended: what it had in progress has, too. */
  gone(member: string): void {
    const part = this.#parts.get(member)
    if (part === undefined) return
    this.#parts.delete(member)
    this.#events = this.#events.filter((event) => event.part !== part)
    this.#inflight -= part.work.size
    if (this.#parts.size > 0) this.#divide()
  }

  get #busy(): readonly Part[] {
    return [...this.#parts.values()].filter(({ news }) => news.inflight + news.queued > 0)
  }

  /** Goes through everything that nobody can come before any more. */
  #look(): void {
    const now = this.#options.clock.now()
    const busy = this.#busy
    const safe = Math.max(now - HORIZON, Math.min(now, ...busy.map(({ news }) => news.until)))
    this.#waiting = busy.some(({ news }) => news.queued > 0)
    const due = this.#events.filter(({ at }) => at <= safe).sort((a, b) => a.at - b.at)
    this.#events = this.#events.filter(({ at }) => at > safe)
    for (const event of due) this.#pass(event)
  }

  #pass({ at, part, number, what }: Event): void {
    const now = Math.max(at, this.#last)
    this.#last = now
    if (this.#decided !== undefined && now >= this.#inForce()) this.#decided = undefined
    const judged = this.#decided === undefined
    const work = part.work.get(number)
    if (what === BEGAN) this.#inflight++
    else if (work === undefined) return
    else this.#inflight--
    this.#meter.mark(now, this.#inflight, this.#waiting)
    if (what === BEGAN) part.work.set(number, { cohort: judged ? this.#meter.began(now) : 0, start: now })
    else {
      part.work.delete(number)
      const from = this.limit
      if (judged && this.#meter.ended(work!.cohort, work!.start, now, OUTCOMES[what]!)) this.#decide(from, now, part)
    }
  }

  /** @param herald where it was decided: busy, and so alive */
  #decide(from: number, now: Instant, herald: Part): void {
    const to = this.limit
    if (to === from) return
    this.#era++
    this.#decided = now
    this.#divide(herald, { from, to, reason: this.#meter.reason })
  }

  /** When the latest decision is in force everywhere, as far as is known. */
  #inForce(): Instant {
    const now = this.#options.clock.now()
    if (now - this.#decided! > OBEDIENCE) return now - HORIZON
    return Math.max(...this.#busy.map(({ news }) => (news.era === this.#era ? news.since : Infinity)))
  }

  #divide(herald?: Part, moved?: PartDecision['moved']): void {
    const { send } = this.#options
    const parts = [...this.#parts]
    const shares = split(
      this.limit,
      parts.map(([, { news }]) => news.inflight + news.queued),
    )
    for (const [at, [member, part]] of parts.entries()) {
      const permits = shares[at]!
      if (permits === part.permits && part.era === this.#era) continue
      part.permits = permits
      part.era = this.#era
      send(member, { permits, era: this.#era, ...(part === herald && moved !== undefined && { moved }) })
    }
  }
}
