import { checkNumber, refuseValue, type Millis, type Random } from '../ground/index.ts'

/** How long work takes: a distribution to draw from. */
export interface ServiceTime {
  /** Draws one. At least 0, in ms. */
  (random: Random): Millis
  /** What it takes on average, in ms. */
  readonly mean: Millis
}

// Nothing here raises to a power that is not whole: `**` gives other last digits on Node 24 than before, where `exp`,
// `log` and `sqrt` agree on all, and a run must be the same on every Node.

/** Always the same. @throws RangeError below 0 */
export function constant(mean: Millis): ServiceTime {
  checkNumber('constant.mean', mean, 0)
  return drawn(mean, () => mean)
}

/** Without memory: many short, some long; cv 1. @throws RangeError below 0 */
export function exponential(mean: Millis): ServiceTime {
  checkNumber('exponential.mean', mean, 0)
  return drawn(mean, (random) => -mean * Math.log(1 - random()))
}

/**
 * The gamma distribution: cv 0.6 looks like a well-behaved service, 1 is exponential. Drawn by the method of Marsaglia
 * and Tsang (2000).
 * @param cv standard deviation over mean, above 0
 * @throws RangeError for an argument out of range
 */
export function gamma(mean: Millis, cv: number): ServiceTime {
  checkNumber('gamma.mean', mean, 0)
  checkNumber('gamma.cv', cv, 1e-3, 1e3)
  const shape = 1 / (cv * cv)
  const scale = mean / shape
  // Below 1 the method needs help: one shape higher, times a power of a uniform number.
  if (shape < 1) return drawn(mean, (random) => scale * standard(shape + 1, random) * Math.exp(-tail(random) / shape))
  return drawn(mean, (random) => scale * standard(shape, random))
}

/**
 * The lognormal distribution: a longer tail than gamma's at the same cv.
 * @param cv standard deviation over mean, above 0
 * @throws RangeError for an argument out of range
 */
export function lognormal(mean: Millis, cv: number): ServiceTime {
  checkNumber('lognormal.mean', mean, Number.MIN_VALUE)
  checkNumber('lognormal.cv', cv, 1e-3, 1e3)
  const variance = Math.log(1 + cv * cv)
  const middle = Math.log(mean) - variance / 2
  const deviation = Math.sqrt(variance)
  return drawn(mean, (random) => Math.exp(middle + deviation * normal(random)))
}

/** Most are quick and some are slow. */
export interface BimodalOptions {
  /** What a quick one takes, in ms. At least 0. */
  readonly quick: Millis
  /** What a slow one takes, in ms. At least 0. */
  readonly slow: Millis
  /** The share of slow ones, 0 to 1. Default 0.05. */
  readonly share?: number
}

/** Two service times. @throws RangeError for an option out of range */
export function bimodal(options: BimodalOptions): ServiceTime {
  const quick = checkNumber('bimodal.quick', options.quick, 0)
  const slow = checkNumber('bimodal.slow', options.slow, 0)
  const share = checkNumber('bimodal.share', options.share ?? 0.05, 0, 1)
  return drawn(quick + share * (slow - quick), (random) => (random() < share ? slow : quick))
}

/**
 * The Pareto distribution, for tails that are truly heavy: P(longer than x) falls as x^-index.
 * @param index above 1; at 2 and below the variance is infinite. Default 1.5
 * @throws RangeError for an argument out of range
 */
export function pareto(mean: Millis, index: number = 1.5): ServiceTime {
  checkNumber('pareto.mean', mean, 0)
  checkNumber('pareto.index', index, 1.01)
  const least = (mean * (index - 1)) / index
  return drawn(mean, (random) => least * Math.exp(tail(random) / index))
}

/** Whatever was measured: each of the values as likely as any other. @throws RangeError without values */
export function sampled(values: readonly Millis[]): ServiceTime {
  if (values.length === 0) refuseValue('sampled.values', 'none', 'at least one value')
  let sum = 0
  for (const [index, value] of values.entries()) sum += checkNumber(`sampled.values[${index}]`, value, 0)
  return drawn(sum / values.length, (random) => values[Math.floor(random() * values.length)]!)
}

function drawn(mean: Millis, draw: (random: Random) => Millis): ServiceTime {
  return Object.assign((random: Random): Millis => draw(random), { mean })
}

/** An exponential number of mean 1. */
function tail(random: Random): number {
  return -Math.log(1 - random())
}

/** A standard normal number, by Marsaglia's polar method. */
function normal(random: Random): number {
  for (;;) {
    const x = 2 * random() - 1
    const y = 2 * random() - 1
    const square = x * x + y * y
    if (square > 0 && square < 1) return x * Math.sqrt((-2 * Math.log(square)) / square)
  }
}

/** A gamma number of scale 1 and a shape of at least 1. */
function standard(shape: number, random: Random): number {
  const d = shape - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (;;) {
    const x = normal(random)
    const root = 1 + c * x
    if (root <= 0) continue
    const cube = root * root * root
    if (Math.log(1 - random()) < (x * x) / 2 + d - d * cube + d * Math.log(cube)) return d * cube
  }
}
