import type { Millis } from '../../ground/index.ts'

const UNITS: Readonly<Record<string, Millis>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ns: 1e-6,
}
const PART = /(\d{1,15}(?:\.\d{0,15})?|\.\d{1,15})(h|ms|m|s|us|µs|μs|ns)/y
/** No such text is longer; a longer one is not looked at. */
const LONGEST = 64

/**
 * A duration as Go writes it, in ms: `6m0s`, `1.5s`, `12ms`, `1h2m3.5s`. A bare number is seconds, as Azure and Cerebras
 * say. Undefined for anything else, and for what is below 0.
 */
export function readGoDuration(text: string): Millis | undefined {
  if (text.length === 0 || text.length > LONGEST) return undefined
  if (/^\d{1,12}(?:\.\d{1,12})?$/.test(text)) return Number(text) * 1000
  let sum = 0
  PART.lastIndex = 0
  while (PART.lastIndex < text.length) {
    const found = PART.exec(text)
    if (found === null) return undefined
    sum += Number(found[1]) * UNITS[found[2]!]!
  }
  return sum
}

/** A duration as OpenAI writes it: `0s`, `84ms`, `1.146s`, `7m12s`, `1h0m0s`. Whole ms; below 0 is 0. */
export function goDuration(duration: Millis): string {
  const whole = Math.max(0, Math.round(duration))
  if (whole === 0) return '0s'
  if (whole < 1000) return `${whole}ms`
  const hours = Math.floor(whole / 3_600_000)
  const minutes = Math.floor((whole % 3_600_000) / 60_000)
  const seconds = `${(whole % 60_000) / 1000}s`
  if (hours > 0) return `${hours}h${minutes}m${seconds}`
  return minutes > 0 ? `${minutes}m${seconds}` : seconds
}
