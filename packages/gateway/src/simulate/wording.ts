import type { Instant, Millis } from 'sluice'

/** `1,234`, and one digit behind the point below 10. */
export function amount(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: Math.abs(value) < 10 ? 1 : 0 })
}

/** `52 ms`, from 10 s on `12.3 s`. */
export function time(value: Millis): string {
  return value < 10_000 ? `${amount(value)} ms` : `${amount(Math.round(value / 100) / 10)} s`
}

/** `79 %` of a share; never 100 or 0 of what is only nearly so. */
export function percent(share: number): string {
  const value = share * 100
  if (value > 0 && value < 0.1) return '<0.1 %'
  if ((value > 99 && value < 100) || (value > 0 && value < 1)) return `${(Math.floor(value * 10) / 10).toFixed(1)} %`
  return `${Math.round(value)} %`
}

/** `1:05`, `2:01:05`. */
export function moment(at: Instant): string {
  const seconds = Math.round(at / 1000)
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60]
  const two = (value: number): string => String(value).padStart(2, '0')
  return `${hours > 0 ? `${hours}:${two(minutes)}` : minutes}:${two(seconds % 60)}`
}
