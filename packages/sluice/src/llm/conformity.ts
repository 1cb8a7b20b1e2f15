import type { Instant, Millis } from '../ground/index.ts'
import { CHARGES, chargeAtEnd, chargeAtStart, type Cached, type ChargeMode } from './charging.ts'
import type { Asked, LlmUsage } from './request.ts'

/**
 * A window ends once it matters no more than this part of what was counted in it, which requests near its ends were: at a
 * high rate that takes many requests, of one that comes alone after a rest all is known at once.
 */
const SHARP = 0.15

/** Windows that are kept; how little the ends of all of them may matter, and requests in them, before anything is said. */
const [KEPT, SURE, REQUESTS] = [24, 0.1, 8]

/** Windows before a rate is taken for others' that fits them: of fewer it would fit any. */
const ENOUGH = 3

/** A way of counting is doubted where the sum of what it predicts is off by more than this part. */
const CLOSE = 0.15

/** Of two whose sums fit one is better where its error is so much smaller. */
const BETTER = 0.6

/** In a fleet, of which one process sees a part: windows needed, and the part by which too much must be predicted. */
const [MANY, OVER] = [12, 0.1]

/** What went by between two readings. */
interface Span {
  /** What the provider counted. */
  readonly counted: number
  readonly lasted: number
  /** What may belong to its beginning and to its end, or not. */
  readonly blurs: readonly [number, number]
  /** How many of this process. */
  readonly requests: number
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

/** What an answer has said of a limit. */
export interface LeftReading {
  readonly limit: number
  readonly remaining: number
  /** What comes back, in tokens a ms. */
  readonly rate: number
  /** Tokens of requests that were under way together with that one, and may have been counted before it or after it. */
  readonly overlap: number
  /** It was so no longer ago than this, in ms. */
  readonly delay: Millis
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
  #requests = 0
  /** Of the request that began last. */
  #latest: readonly number[] = []
  #start: { readonly used: number; readonly at: Instant; readonly blur: number } | undefined
  /** What may have been used at the last reading. */
  #most = 0
  #at: Instant = 0
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
    this.#latest = this.#modes.map((mode) => countedOf(mode, this.#cached, asked, 0))
    for (const [at, amount] of this.#latest.entries()) this.#own[at]! += amount
    this.#requests++
  }

  /** So many tokens more have been answered. */
  produced(more: number): void {
    for (const [at, mode] of this.#modes.entries())
      if (CHARGES[mode].start.output === 'predicted') this.#own[at]! += more
  }

  /** It has ended. @param produced what {@link produced} was told of it */
  ended(asked: Asked, usage: LlmUsage, produced: number): void {
    for (const [at, mode] of this.#modes.entries())
      this.#own[at]! += chargeAtEnd(mode, this.#cached, asked, usage) - countedOf(mode, this.#cached, asked, produced)
  }

  /**
   * @param shared the shared buckets, where there are other processes
   * @returns true where there is something new to {@link judge}
   */
  read({ limit, remaining, rate, overlap, delay }: LeftReading, now: Instant, shared?: SharedUse): boolean {
    const used = limit - remaining
    const isAlone = shared === undefined
    if (this.#start === undefined || limit !== this.#limit || isAlone !== (this.#shared === undefined)) {
      if (isAlone !== (this.#shared === undefined)) this.#spans.length = 0
      this.#begin(limit, used, now, overlap + rate * delay, shared)
      return false
    }
    // Its bucket may have been full in between: then all that is used now was counted since, and came with this request.
    const wasFull = this.#most < rate * (now - this.#at)
    this.#most = used + overlap
    this.#at = now
    if (wasFull) {
      this.#begin(limit, isAlone ? 0 : used, now, overlap, shared)
      if (isAlone) this.#own = this.#latest.slice()
      this.#requests = 1
    }
    const lasted = now - this.#start.at
    const blur = overlap + (wasFull ? 0 : rate * delay)
    const counted = used - this.#start.used + rate * lasted
    if (this.#start.blur + blur >= SHARP * counted) return false
    const before = this.#shared?.used ?? 0
    const charged = shared === undefined ? undefined : shared.used - before + shared.rate * lasted
    this.#spans.push({
      counted,
      lasted,
      blurs: [this.#start.blur, blur],
      requests: this.#requests,
      own: this.#own,
      shared: charged,
    })
    if (this.#spans.length > KEPT) this.#spans.shift()
    this.#begin(limit, used, now, blur, shared)
    return true
  }

  #begin(limit: number, used: number, now: Instant, blur: number, shared: SharedUse | undefined): void {
    this.#shared = shared
    if (limit !== this.#limit) this.#spans.length = 0
    this.#limit = limit
    this.#start = { used, at: now, blur }
    this.#most = used + blur
    this.#at = now
    this.#own = this.#modes.map(() => 0)
    this.#requests = 0
  }

  /** What can be said now. A doubt that others may be the reason for must come up twice before another way is named. */
  judge(current: ChargeMode): Conformity {
    const isAlone = this.#shared === undefined
    // What all were charged by another way of counting says nothing about this one.
    if (!isAlone && this.#current !== undefined && this.#current !== current) this.#spans.length = 0
    this.#current = current
    const samples = this.#spans.length
    const { counted, requests, shared } = this.#total
    // What one window has too much the next one has too little.
    const blur = samples === 0 ? Infinity : this.#spans[0]!.blurs[0] + this.#spans.at(-1)!.blurs[1]
    if (blur > SURE * counted || requests < REQUESTS || (!isAlone && samples < MANY))
      return { samples, fits: undefined, error: 0, foreign: 0 }
    const fits = this.#modes.map((mode, at) => {
      const { squares, foreign } = this.#fit(at)
      return { mode, foreign, sum: this.#sum(at), error: Math.sqrt(squares * samples) / counted }
    })
    const own = fits.find(({ mode }) => mode === current)
    if (own === undefined) return { samples, fits: undefined, error: Infinity, foreign: 0 }
    const { error, foreign } = own
    const choice = isAlone ? betterAlone(fits, own, counted) : betterInFleet(fits, own, counted / shared)
    // Nobody else can be the reason that too little was counted.
    const isRefuted = isAlone && own.sum > counted * (1 + CLOSE)
    const isSure = choice !== undefined && (isRefuted || this.#against === choice.mode)
    this.#against = choice?.mode
    return { samples, fits: choice === undefined ? current : isSure ? choice.mode : undefined, error, foreign }
  }

  get #total(): { readonly counted: number; readonly requests: number; readonly shared: number } {
    let [counted, requests, shared] = [0, 0, 0]
    for (const span of this.#spans) {
      counted += span.counted
      requests += span.requests
      shared += span.shared ?? 0
    }
    return { counted, requests, shared }
  }

  #sum(at: number): number {
    return this.#spans.reduce((sum, { own }) => sum + own[at]!, 0)
  }

  #fit(at: number): { readonly squares: number; readonly foreign: number } {
    let [xy, xx, dy, dd] = [0, 0, 0, 0]
    for (const { counted, lasted, own } of this.#spans) {
      xy += own[at]! * counted
      xx += own[at]! ** 2
      dy += lasted * (counted - own[at]!)
      dd += lasted ** 2
    }
    // One process of a fleet cannot tell the others of the fleet from others.
    const isAlone = this.#shared === undefined
    const scale = !isAlone && xx > 0 ? Math.max(1, xy / xx) : 1
    const foreign = isAlone && this.#spans.length >= ENOUGH ? Math.max(0, dy / dd) : 0
    let squares = 0
    for (const { counted, lasted, own } of this.#spans) {
      const off = counted - scale * own[at]! - foreign * lasted
      squares += off ** 2
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
function betterAlone(fits: readonly Fit[], own: Fit, counted: number): Fit | undefined {
  const near = fits.filter(({ sum }) => sum <= counted * (1 + CLOSE) && sum >= counted * (1 - CLOSE))
  const best = near.toSorted((a, b) => a.error - b.error)[0]
  if (best === undefined || best.mode === own.mode) return undefined
  if (own.sum > counted * (1 + CLOSE)) return best
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

/** What a provider has counted by then: of an answer that is counted as it comes, what has come. */
function countedOf(mode: ChargeMode, cached: Cached, asked: Asked, produced: number): number {
  return chargeAtStart(mode, cached, { ...asked, predicted: produced })
}
