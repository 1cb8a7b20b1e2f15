import {
  checkNumber,
  systemClock,
  type Clock,
  type Instant,
  type Millis,
  type Pressure,
  type Signal,
} from '../ground/index.ts'
import type { RefusedResponse } from './refuse.ts'

/** What is judged at once, in ms, at least: two who ask in the same moment must not take each other's arrivals away. */
const STRETCH: Millis = 200

/** What has been let in and turned away so far: a `Tally`, for instance. */
export interface Refusals {
  readonly admissions: number
  readonly rejections: number
}

/** Options of {@link readiness}. */
export interface ReadinessOptions {
  /** What must not be over its mark, by name: `{ cpu: cpu(), memory: memory() }` of `sluice/probe`. Default: nothing. */
  readonly pressures?: Readonly<Record<string, Signal<Pressure>>>
  /** The level above which a pressure makes unready. Default 0.9 (requirement S1.9). */
  readonly above?: number
  /** The level it must have fallen to. At most `above`. Default 0.8. */
  readonly until?: number
  /** Whose refusals count as shedding. Default: nobody's. */
  readonly refusals?: Refusals
  /** The share of refusals among all arrivals, from 0 to 1, above which it is shedding. Default 0.1. */
  readonly sheddingAbove?: number
  /** How long it must have been shedding without a pause, in ms, to be unready. Default 10,000. */
  readonly sheddingFor?: Millis
  /** How long every cause must have been gone, in ms, before it is ready again. Default 5000. */
  readonly settle?: Millis
  /** Whether it is ready from the start, or only once {@link Readiness.start} is called. Default true. */
  readonly started?: boolean
  readonly clock?: Clock
}

/** Whether a load balancer should send requests here. Liveness is another question, and never asks about load. */
export interface Readiness {
  readonly ready: boolean
  /** Why not, in words: `starting`, `draining`, `shedding`, or the name of a pressure. Empty when ready. */
  readonly causes: readonly string[]
  /** The start is over: from now on it may be ready. */
  start(): void
  /** Never ready again: the first thing to do on SIGTERM. */
  drain(): void
  /** For `/health/ready`: 200 or 503, with the causes as JSON. */
  answer(): RefusedResponse
}

/**
 * Says whether this process wants traffic. A cause counts at once; it is ready again only when every cause has been gone
 * for a while and pressures have fallen below a lower mark, so that a load balancer does not flap.
 * Judged when asked: a probe every second or every ten sees the same.
 * @throws RangeError for an option out of range
 */
export function readiness(options: ReadinessOptions = {}): Readiness {
  return new Judge(options)
}

/** For `/health/live`: the process runs. */
export function liveness(): RefusedResponse {
  return json(200, { status: 'live' })
}

class Judge implements Readiness {
  readonly #options: ReadinessOptions
  readonly #clock: Clock
  readonly #above: number
  readonly #until: number
  readonly #share: number
  readonly #sheddingFor: Millis
  readonly #settle: Millis
  readonly #pressing = new Set<string>()
  #started: boolean
  #draining = false
  /** When it was last asked, and what had been counted by then. */
  #asked: Instant
  #admissions: number
  #rejections: number
  #sheddingSince: Instant | undefined
  /** Since when there has been no cause, or that there is one. */
  #calmSince: Instant | undefined = -Infinity

  constructor(options: ReadinessOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#above = checkNumber('readiness.above', options.above ?? 0.9, 0)
    this.#until = checkNumber('readiness.until', options.until ?? Math.min(0.8, this.#above), 0, this.#above)
    this.#share = checkNumber('readiness.sheddingAbove', options.sheddingAbove ?? 0.1, 0, 1)
    this.#sheddingFor = checkNumber('readiness.sheddingFor', options.sheddingFor ?? 10_000, 0)
    this.#settle = checkNumber('readiness.settle', options.settle ?? 5000, 0)
    this.#started = options.started ?? true
    this.#asked = this.#clock.now()
    this.#admissions = options.refusals?.admissions ?? 0
    this.#rejections = options.refusals?.rejections ?? 0
  }

  get ready(): boolean {
    return this.causes.length === 0
  }

  get causes(): readonly string[] {
    if (this.#draining) return ['draining']
    if (!this.#started) return ['starting']
    const now = this.#clock.now()
    const causes = [...this.#tooHigh(), ...(this.#shedding(now) ? ['shedding'] : [])]
    if (causes.length > 0) {
      this.#calmSince = undefined
      return causes
    }
    this.#calmSince ??= now
    return now - this.#calmSince >= this.#settle ? [] : ['settling']
  }

  start(): void {
    this.#started = true
  }

  drain(): void {
    this.#draining = true
  }

  answer(): RefusedResponse {
    const { causes } = this
    return causes.length === 0 ? json(200, { status: 'ready' }) : json(503, { status: 'unready', causes })
  }

  #tooHigh(): readonly string[] {
    for (const [name, { value }] of Object.entries(this.#options.pressures ?? {})) {
      if (value.level > this.#above) this.#pressing.add(name)
      else if (value.level <= this.#until) this.#pressing.delete(name)
    }
    return [...this.#pressing]
  }

  #shedding(now: Instant): boolean {
    const { refusals } = this.#options
    if (refusals === undefined) return false
    if (now - this.#asked >= STRETCH) this.#count(refusals, now)
    return this.#sheddingSince !== undefined && now - this.#sheddingSince >= this.#sheddingFor
  }

  #count({ admissions, rejections }: Refusals, now: Instant): void {
    const refused = rejections - this.#rejections
    const all = refused + admissions - this.#admissions
    if (all > 0 && refused / all > this.#share) this.#sheddingSince ??= this.#asked
    else this.#sheddingSince = undefined
    this.#asked = now
    this.#admissions = admissions
    this.#rejections = rejections
  }
}

function json(status: number, content: object): RefusedResponse {
  const body = JSON.stringify(content)
  const headers = {
    'content-type': 'application/json',
    'content-length': String(new TextEncoder().encode(body).length),
    'cache-control': 'no-store',
  }
  return { status, headers, body }
}
