import { checkNumber, type Instant, type Millis, type Random } from '../ground/index.ts'

/** A stretch of time with a rate that is level or changes evenly. */
export interface Stretch {
  /** How long it lasts, in ms. At least 0. */
  readonly lasts: Millis
  /** Arrivals per second as it begins. At least 0. */
  readonly from: number
  /** Arrivals per second as it ends. At least 0. */
  readonly to: number
}

/** Who comes when. */
export interface Arrivals {
  /** When the next one comes, in ms from the beginning; never earlier than the one before, `Infinity` for never. */
  next(random: Random): Instant
}

/** A level rate. @param rate arrivals per second */
export function steady(rate: number, lasts: Millis): Stretch {
  return { lasts, from: rate, to: rate }
}

/** A rate that grows or falls evenly. */
export function ramp(from: number, to: number, lasts: Millis): Stretch {
  return { lasts, from, to }
}

/** How many bursts there may be: two stretches are kept for each. */
const MOST_BURSTS = 1_000_000

/** How far bursts must be apart, at least, in ms. */
export function closestBursts(lasts: Millis): Millis {
  return Math.max(Number.MIN_VALUE, lasts / MOST_BURSTS)
}

/** On and off. */
export interface BurstsOptions {
  /** Arrivals per second between bursts. At least 0. */
  readonly rate: number
  /** Arrivals per second in a burst. At least 0. */
  readonly burst: number
  /** From one burst to the next, in ms. Above 0, and at least a millionth of `lasts`. */
  readonly every: Millis
  /** How long a burst lasts, in ms. At most `every`. */
  readonly on: Millis
  /** How long all of it lasts, in ms. At least 0. */
  readonly lasts: Millis
}

/** Each period is quiet first and ends with its burst. @throws RangeError for an option out of range */
export function bursts({ rate, burst, every, on, lasts }: BurstsOptions): Stretch[] {
  checkNumber('bursts.lasts', lasts, 0)
  checkNumber('bursts.every', every, closestBursts(lasts))
  checkNumber('bursts.on', on, 0, every)
  const course: Stretch[] = []
  for (let at = 0; at < lasts; at += every) {
    const quiet = Math.min(every - on, lasts - at)
    const loud = Math.min(on, lasts - at - quiet)
    course.push(steady(rate, quiet), steady(burst, loud))
  }
  return course
}

/** Arrivals at random, each independent of all others: what many unconnected clients look like. */
export function poisson(course: readonly Stretch[]): Arrivals {
  return new Course(course, (random) => -Math.log(1 - random()))
}

/** Arrivals at even distances: what a load generator looks like. */
export function even(course: readonly Stretch[]): Arrivals {
  return new Course(course, () => 1)
}

/** Recorded arrivals. @param instants in ms from the beginning, in order. @throws RangeError where they are not */
export function trace(instants: readonly Instant[]): Arrivals {
  let last = 0
  for (const [index, at] of instants.entries()) last = checkNumber(`trace[${index}]`, at, last)
  let index = 0
  return { next: () => instants[index++] ?? Infinity }
}

/**
 * A process of rate 1 bent to a course: the next arrival comes when the area under the rate has grown by the gap drawn.
 * Exact for level and evenly changing rates, without drawing what is thrown away (as thinning would).
 */
class Course implements Arrivals {
  readonly #course: readonly Stretch[]
  readonly #gap: (random: Random) => number
  #stretch = 0
  /** Where the present stretch began, and how far into it the last arrival was. */
  #begin: Instant = 0
  #into: Millis = 0

  constructor(course: readonly Stretch[], gap: (random: Random) => number) {
    for (const [index, { lasts, from, to }] of course.entries()) {
      checkNumber(`course[${index}].lasts`, lasts, 0)
      checkNumber(`course[${index}].from`, from, 0)
      checkNumber(`course[${index}].to`, to, 0)
    }
    this.#course = course
    this.#gap = gap
  }

  next(random: Random): Instant {
    // In arrivals; rates are per second, time is in ms.
    let rest = this.#gap(random) * 1000
    for (;;) {
      const stretch = this.#course[this.#stretch]
      if (stretch === undefined) return Infinity
      const { lasts, from, to } = stretch
      const slope = lasts > 0 ? (to - from) / lasts : 0
      const rate = from + slope * this.#into
      const left = lasts - this.#into
      const area = ((rate + to) / 2) * left
      if (rest < area) {
        // Solves rate·t + slope·t²/2 = rest, in the form that loses no digits where the slope is next to nothing.
        this.#into += (2 * rest) / (rate + Math.sqrt(rate * rate + 2 * slope * rest))
        return this.#begin + this.#into
      }
      rest -= area
      this.#begin += lasts
      this.#into = 0
      this.#stretch++
    }
  }
}
