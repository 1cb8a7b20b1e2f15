import type { Millis } from 'sluice'

/**
 * A duration as Go prints it, which is how OpenAI writes one: `12ms`, `1s`, `43.2s`, `6m0s`, `7m12s`, `1h0m0s`. What is
 * less than a millisecond is cut off, as in every published message. The library reads them by code of its own: an emulator
 * must not share the code it tests.
 */
export function goDuration(duration: Millis): string {
  const whole = Math.max(0, Math.floor(duration))
  if (whole === 0) return '0s'
  if (whole < 1000) return `${whole}ms`
  const hours = Math.floor(whole / 3_600_000)
  const minutes = Math.floor((whole % 3_600_000) / 60_000)
  const seconds = `${(whole % 60_000) / 1000}s`
  if (hours > 0) return `${hours}h${minutes}m${seconds}`
  return minutes > 0 ? `${minutes}m${seconds}` : seconds
}
