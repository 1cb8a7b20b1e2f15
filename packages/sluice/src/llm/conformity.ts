import type { Instant, Millis } from '../ground/index.ts'
import { CHARGES, chargeAtEnd, chargeAtStart, type Cached, type ChargeMode } from './charging.ts'
import type { Asked, LlmUsage } from './request.ts'

/**
 * Readings in one window, and how long it lasts at least, in ms: so that it matters little which requests near its ends
 * were counted before it or in it.
 */
const [READINGS, LASTING]: readonly [number, Millis] = [6, 2000]

/** Windows that are kept, and how many are needed before anything is said. */
const [KEPT, ENOUGH] = [24, 5]

/** A way of counting is doubted where the sum of what it predicts is off by more than this part. */
const CLOSE = 0.15

/** Of two whose sums fit one is better where its error is so much smaller. */
const BETTER = 0.6

/** In a fleet, of which one process sees a part: windows needed, and the part by which too much must be predicted. */
const [MANY, OVER] = [12, 0.1]

/** What went by between two readings. */
interface Span {
  /** What the provider counted; at most that where its bucket may have been full in between. */
  readonly counted: number
  readonly bounded: boolean
  readonly lasted: number
  /** What each way of counting makes of the requests of this process. */
  readonly own: readonly number[]
  /** What the buckets shared with other processes were charged, where there are others. */
  readonly shared: number | undefined
}

/** The shared buckets, as they are charged by the way of counting in use: what is used, and what comes back in a ms. */
export interface SharedUse {
  readonly used: number
  readonly rate: number
}

/** What a check says of a way of counting. */
export interface Conformity {
  /** Windows it is based on. */
  readonly samples: number
  /** The way of counting that fits what the provider tells, where anything can be said. */
  readonly fits: ChargeMode | undefined
  /** How far the one in use is off, as a part of what was counted. */
  readonly error: number
  /** Tokens a ms that others seem to use. */
  readonly foreign: number
}

/**
 * Checks how a provider counts against what its headers tell. Between two readings of what is left, with what has come back
 * in between added, lies what it has counted; each way of counting predicts that from the requests of that time. A constant
 * rate may belong to others. One process of a fleet sees only its own requests; there what all were charged is known from
 * the shared buckets, so that charging too much is found, and which way of counting explains by how much. Charging too
 * little is not: the corrections by headers hide it, and make up for it.
 */
export class ConformityCheck {
  readonly #modes: readonly ChargeMode[]
  readonly #cached: Cached
  readonly #spans: Span[] = []
  #own: number[]
  #start: { readonly used: number; readonly at: Instant } | undefined
  #used = 0
  #at: Instant = 0
  #readings = 0
  #bounded = false
  #limit = 0
  #against: ChargeMode | undefined
  #shared: SharedUse | undefined
  #current: ChargeMode | undefined

  constructor(modes: readonly ChargeMode[], cached: Cached) {
    this.#modes = modes
    this.#cached = cached
    this.#own = modes.map(() => 0)
  }

  /** The provider has begun to count a request. */
  began(asked: Asked): void {
    for (const [at, mode] of this.#modes.entries()) this.#own[at]! += startOf(mode, this.#cached, asked)
  }

  /** It has ended. */
  ended(asked: Asked, usage: LlmUsage): void {
    for (const [at, mode] of this.#modes.entries()) {
      if (CHARGES[mode].end === 'kept') continue
      this.#own[at]! += chargeAtEnd(mode, this.#cached, asked, usage) - startOf(mode, this.#cached, asked)
    }
  }

  /**
   * A reading of what is left.
   * @param rate what comes back, in tokens a ms
   * @param shared the shared buckets, where there are other processes
   * @returns true where there is something new to {@link judge}
   */
  read(limit: number, remaining: number, rate: number, now: Instant, shared?: SharedUse): boolean {
    const used = limit - remaining
    const isAlone = shared === undefined
    if (this.#start === undefined || limit !== this.#limit || isAlone !== (this.#shared === undefined)) {
      if (isAlone !== (this.#shared === undefined)) this.#spans.length = 0
      this.#begin(limit, used, now, shared)
      return false
    }
    // Was it full in between, then what came back is not known.
    if (this.#used < rate * (now - this.#at)) this.#bounded = true
    this.#used = used
    this.#at = now
    const lasted = now - this.#start.at
    if (++this.#readings < READINGS || lasted < LASTING) return false
    const counted = used - this.#start.used + rate * lasted
    const before = this.#shared?.used ?? 0
    const charged = shared === undefined ? undefined : shared.used - before + shared.rate * lasted
    this.#spans.push({ counted, bounded: this.#bounded, lasted, own: this.#own, shared: charged })
    if (this.#spans.length > KEPT) this.#spans.shift()
    this.#begin(limit, used, now, shared)
    return true
  }

  #begin(limit: number, used: number, now: Instant, shared: SharedUse | undefined): void {
    this.#shared = shared
    if (limit !== this.#limit) this.#spans.length = 0
    this.#limit = limit
    this.#start = { used, at: now }
    this.#used = used
    this.#at = now
    this.#own = this.#modes.map(() => 0)
    this.#readings = 0
    this.#bounded = false
  }

  /** What can be said now. A doubt must come up twice before another way of counting is named. */
  judge(current: ChargeMode): Conformity {
    // What was charged by another way of counting says nothing about this one.
    if (this.#current !== undefined && this.#current !== current) this.#spans.length = 0
    this.#current = current
    const samples = this.#spans.length
    const counted = this.#spans.reduce((sum, span) => sum + span.counted, 0)
    const isAlone = this.#shared === undefined
    if (samples < (isAlone ? ENOUGH : MANY) || counted <= 0) return { samples, fits: undefined, error: 0, foreign: 0 }
    const fits = this.#modes.map((mode, at) => {
      const { squares, foreign } = this.#fit(at)
      return { mode, foreign, sum: this.#sum(at), error: Math.sqrt(squares * samples) / counted }
    })
    const own = fits.find(({ mode }) => mode === current)
    if (own === undefined) return { samples, fits: undefined, error: Infinity, foreign: 0 }
    const { error, foreign } = own
    const choice = isAlone
      ? betterAlone(fits, own, counted, this.#isBounded)
      : betterInFleet(fits, own, counted / this.#spans.reduce((sum, span) => sum + (span.shared ?? 0), 0))
    const twice = choice !== undefined && this.#against === choice.mode
    this.#against = choice?.mode
    const isDoubted = choice !== undefined
    return { samples, fits: twice ? choice.mode : isDoubted ? undefined : current, error, foreign }
  }

  /** True where the provider's bucket may have been full: what was counted is then at most that. */
  get #isBounded(): boolean {
    return this.#spans.some(({ bounded }) => bounded)
  }

  #sum(at: number): number {
    return this.#spans.reduce((sum, { own }) => sum + own[at]!, 0)
  }

  #fit(at: number): { readonly squares: number; readonly foreign: number } {
    let [xy, xx, dy, dd] = [0, 0, 0, 0]
    for (const { counted, lasted, own, bounded } of this.#spans) {
      if (bounded) continue
      xy += own[at]! * counted
      xx += own[at]! ** 2
      dy += lasted * (counted - own[at]!)
      dd += lasted ** 2
    }
    // One process of a fleet cannot tell the others of the fleet from others.
    const isAlone = this.#shared === undefined
    const scale = !isAlone && xx > 0 ? Math.max(1, xy / xx) : 1
    const foreign = isAlone && dd > 0 ? Math.max(0, dy / dd) : 0
    let squares = 0
    for (const { counted, lasted, own, bounded } of this.#spans) {
      const off = counted - scale * own[at]! - foreign * lasted
      squares += bounded ? Math.min(0, off) ** 2 : off ** 2
    }
    return { squares, foreign }
  }
}

/** One way of counting, held against the readings. */
interface Fit {
  readonly mode: ChargeMode
  readonly foreign: number
  readonly sum: number
  readonly error: number
}

/**
 * Whoever sees all that is sent goes by the sums first: what predicts too much is refuted. What predicts too little may be
 * right, and the rest be others'; it is replaced only by what explains all of it. Of those whose sums fit, the composition
 * of the requests tells which one it is, if it does so clearly.
 */
function betterAlone(fits: readonly Fit[], own: Fit, counted: number, isBounded: boolean): Fit | undefined {
  const near = fits.filter(({ sum }) => sum <= counted * (1 + CLOSE) && (isBounded || sum >= counted * (1 - CLOSE)))
  // While it is not known how much was counted, what counts most is the careful choice.
  const best = near.toSorted((a, b) => (isBounded ? b.sum - a.sum : a.error - b.error))[0]
  if (best === undefined || best.mode === own.mode) return undefined
  if (own.sum > counted * (1 + CLOSE)) return best
  if (isBounded) return undefined
  return own.sum < counted * (1 - CLOSE) || best.error < own.error * BETTER ? best : undefined
}

/**
 * Whoever sees a part knows what all were charged: by so much it was too much, or nothing can be said.
 * @param part what was counted, as a part of what was charged
 */
function betterInFleet(fits: readonly Fit[], own: Fit, part: number): Fit | undefined {
  if (!(part > 0 && part < 1 - OVER) || own.sum <= 0) return undefined
  const off = ({ sum }: Fit): number => Math.abs(sum / own.sum - part)
  const best = fits.toSorted((a, b) => off(a) - off(b))[0]!
  return off(best) <= CLOSE * part && best.mode !== own.mode ? best : undefined
}

/** What a provider has counted when it answers: nothing yet of an answer it counts as it comes. */
function startOf(mode: ChargeMode, cached: Cached, asked: Asked): number {
  return chargeAtStart(mode, cached, { ...asked, predicted: 0 })
}
