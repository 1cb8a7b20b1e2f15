import type { Instant, Millis } from '../ground/index.ts'

/** Once the world has changed, the old time without queueing is believed only so much: 15 %, as a variance. */
export const STALE = 0.0225
/** Misfit by which an old belief contradicts what is seen: two standard deviations. */
export const CONTRADICTION = 4
/** Latency that follows the limit less than this is not ours: the exponent of a power law, 1 for in proportion. */
export const INDIFFERENT = 0.35

/** What latency was like with so many in flight. Both on a logarithmic scale: errors of latencies are relative. */
export interface Sight {
  /** Logarithm of what was in flight. */
  readonly inflight: number
  /** Logarithm of the time in service in ms, with {@link NEGLIGIBLE} added. */
  readonly latency: number
  /** Variance of `latency`. */
  readonly doubt: number
  readonly at: Instant
}

/** A belief about the latency without queueing that does not come from the curve. */
export interface Prior {
  readonly latency: number
  readonly doubt: number
}

/** What a curve says. Logarithms, as in {@link Sight}. */
export interface Knee {
  /** Latency without queueing. */
  readonly base: number
  /** What is in flight where queueing begins: the best guess … */
  readonly inflight: number
  /** … the lowest that explains what was seen nearly as well; `-Infinity` when it may lie below all of it … */
  readonly least: number
  /** … and the highest; `Infinity` when no queueing was seen for sure. */
  readonly most: number
  /** The sum of squared errors, each in its standard deviations. */
  readonly misfit: number
  /** The latency to expect at the level asked for, over all those knees. */
  readonly quickest: number
  readonly slowest: number
}

/**
 * Added to every latency, in ms: a few ms are the noise of an event loop, and what CoDel takes for a harmless queue
 * (RFC 8289). A service of 0.3 ms that takes 1 ms under load is not congested.
 */
export const NEGLIGIBLE: Millis = 5
/** Sights this close together are sights of the same level. */
const SAME = 0.04
/** What is known less well than this, as a variance, is as good as unknown: 35 %. */
const FORGOTTEN = 0.1225
/** However often one looks, as a variance (2 %): services differ from what is assumed of them. */
const SUREST = 0.0004
const MOST_SIGHTS = 16
/** How far below and above what was seen a knee is looked for, in steps. */
const BELOW = 6
const ABOVE = 3
/** Knees within this much misfit of the best explain the curve nearly as well: one standard deviation. */
const NEARLY = 1
/** Queueing is seen for sure when its absence is this much worse an explanation: two standard deviations. */
const SURELY = 4
/** So far off what was to be expected the world has changed: in standard deviations, and as a ratio at least. */
const SURPRISE = 3
const CHANGE = 0.22
/** What the model itself may be off, as a variance: 5 %. */
const MODEL_DOUBT = 0.0025
/** The variance of a latency that grows in the time in which it is not looked at: 3 % in 5 s. */
const DRIFT_PER_MS = 0.03 ** 2 / 5000
/** The knees tried, each so much above the one before. */
const STEP = Math.log(1.1)

/** The curve as it is known at an instant: what was seen long ago is known less well. */
export function aged(curve: readonly Sight[], now: Instant): readonly Sight[] {
  return curve.map((sight) => ({ ...sight, doubt: sight.doubt + DRIFT_PER_MS * (now - sight.at), at: now }))
}

/** The curve with one more sight: averaged with an earlier one of the same level, weighted by how well each is known. */
export function withSight(curve: readonly Sight[], sight: Sight): readonly Sight[] {
  const known = aged(curve, sight.at).filter(({ doubt }) => doubt < FORGOTTEN)
  const same = known.findIndex(({ inflight }) => Math.abs(inflight - sight.inflight) <= SAME)
  if (same >= 0) {
    const before = known[same]!
    const share = before.doubt / (before.doubt + sight.doubt)
    return known.with(same, {
      inflight: before.inflight + share * (sight.inflight - before.inflight),
      latency: before.latency + share * (sight.latency - before.latency),
      doubt: Math.max(SUREST, (1 - share) * before.doubt),
      at: sight.at,
    })
  }
  if (known.length < MOST_SIGHTS) return [...known, sight]
  const worst = Math.max(...known.map(({ doubt }) => doubt))
  return known.with(
    known.findIndex(({ doubt }) => doubt === worst),
    sight,
  )
}

/**
 * How latency answers to what is in flight, from the lowest sight to the highest: 1 in proportion, 0 not at all. `NaN`
 * where there is but one.
 */
export function slopeOf(curve: readonly Sight[]): number {
  const upwards = curve.toSorted((a, b) => a.inflight - b.inflight)
  const low = upwards[0]!
  const high = upwards.at(-1)!
  return (high.latency - low.latency) / (high.inflight - low.inflight)
}

/**
 * Where the curve bends. The model is that of any service with so many workers and a queue behind them: latency is flat
 * up to the knee and proportional to what is in flight beyond it (Little's law at constant throughput). Least squares
 * over a grid of knees; for each the best base is a weighted mean.
 * @param curve without one sight, nor a prior, all is `NaN`: nothing is to be expected
 * @param level logarithm of what is in flight for which latency is to be foretold
 */
export function kneeOf(curve: readonly Sight[], prior: Prior | null, level: number): Knee {
  const levels = [level, ...curve.map(({ inflight }) => inflight)]
  // What it takes without queueing is what it would take with nobody in flight.
  const known = prior === null ? curve : [{ ...prior, inflight: -Infinity }, ...curve]
  // One alone has nobody to wait for.
  const from = Math.max(0, Math.min(...levels) - BELOW * STEP)
  const last = Math.max(1, Math.ceil((Math.max(...levels) + ABOVE * STEP - from) / STEP))
  const fits = Array.from({ length: last + 1 }, (_, index) => fit(known, from + index * STEP))
  let best = 0
  for (let index = 1; index <= last; index++) if (fits[index]!.misfit < fits[best]!.misfit - 1e-9) best = index
  const bound = fits[best]!.misfit + NEARLY
  let least = best
  while (least > 0 && fits[least - 1]!.misfit <= bound) least--
  let most = best
  while (most < last && fits[most + 1]!.misfit <= bound) most++
  let unlikely = most
  while (unlikely < last && fits[unlikely + 1]!.misfit <= fits[best]!.misfit + SURELY) unlikely++
  const expected = fits.slice(least, most + 1).map(({ base, inflight }) => base + Math.max(0, level - inflight))
  return {
    ...fits[best]!,
    least: least === 0 && from > 0 ? -Infinity : fits[least]!.inflight,
    most: unlikely === last ? Infinity : fits[most]!.inflight,
    quickest: Math.min(...expected),
    slowest: Math.max(...expected),
  }
}

/** Whether what is seen cannot be on the curve from which this was to be expected. */
export function changeOf({ quickest, slowest }: Knee, { latency, doubt }: Sight): 'worse' | 'better' | undefined {
  const tolerance = Math.max(CHANGE, SURPRISE * Math.sqrt(doubt + MODEL_DOUBT))
  if (latency > slowest + tolerance) return 'worse'
  return latency < quickest - tolerance ? 'better' : undefined
}

function fit(known: readonly Omit<Sight, 'at'>[], knee: number): Pick<Knee, 'base' | 'inflight' | 'misfit'> {
  let weight = 0
  let sum = 0
  for (const { inflight, latency, doubt } of known) {
    weight += 1 / doubt
    sum += (latency - Math.max(0, inflight - knee)) / doubt
  }
  const base = sum / weight
  let misfit = 0
  for (const { inflight, latency, doubt } of known)
    misfit += (latency - Math.max(0, inflight - knee) - base) ** 2 / doubt
  return { base, inflight: knee, misfit }
}
