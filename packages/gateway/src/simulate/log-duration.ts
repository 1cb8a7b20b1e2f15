import type { Millis } from 'sluice'

/** A day: whatever took longer is no service time. */
const LONGEST: Millis = 86_400_000
const UNITS: Readonly<Record<string, Millis>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000 }
/** Where a field says what it holds. */
const FIELDS: Readonly<Record<string, Millis>> = {
  duration: 1,
  duration_ms: 1,
  latency: 1,
  latency_ms: 1,
  responseTime: 1,
  request_time: 1000,
}

/**
 * How long a request took by a JSON line, in ms: `duration`, `latency`, `responseTime` are ms, nginx's `request_time` is s,
 * and a text with a unit (`12ms`, `0.2s`) says itself. Undefined where nothing says.
 */
export function jsonLogDuration(line: Readonly<Record<string, unknown>>): Millis | undefined {
  for (const [field, unit] of Object.entries(FIELDS)) {
    const value = Object.hasOwn(line, field) ? line[field] : undefined
    if (typeof value === 'number') return inReason(value * unit)
    if (typeof value !== 'string') continue
    const [, digits, said] = /^(\d+(?:\.\d+)?)\s?(ns|us|µs|ms|s|m)?$/.exec(value) ?? []
    if (digits !== undefined) return inReason(Number(digits) * (said === undefined ? unit : UNITS[said]!))
  }
  return undefined
}

/**
 * The same for what stands at the end of a common or combined line: with a point it is nginx's `$request_time` in s, without
 * one Apache's `%D` in µs.
 */
export function commonLogDuration(rest: string): Millis | undefined {
  const [, whole, fraction] = /(?:^|\s)(\d{1,12})(\.\d{1,9})?$/.exec(rest) ?? []
  if (whole === undefined) return undefined
  return inReason(fraction === undefined ? Number(whole) / 1000 : Number(whole + fraction) * 1000)
}

function inReason(value: Millis): Millis | undefined {
  return value >= 0 && value <= LONGEST ? value : undefined
}
