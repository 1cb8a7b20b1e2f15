import type { Instant } from 'sluice'

const MONTHS = 'JanFebMarAprMayJunJulAugSepOctNovDec'
const EARLIEST: Instant = Date.UTC(1990, 0, 1)
const LATEST: Instant = Date.UTC(2100, 0, 1)

/** The time of common and combined logs, `10/Oct/2000:13:55:36 -0700`, in ms since 1970; undefined for anything else. */
export function commonLogTime(text: string): Instant | undefined {
  const found = /^(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))? ([+-])(\d\d)(\d\d)$/.exec(text)
  if (found === null) return undefined
  const [, day, name, year, hour, minute, second, fraction = '0', sign, zoneHours, zoneMinutes] = found
  const month = MONTHS.indexOf(name!)
  if (month % 3 !== 0 || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return undefined
  const local = Date.UTC(Number(year), month / 3, Number(day), Number(hour), Number(minute), Number(second))
  if (Number(day) < 1 || new Date(local).getUTCMonth() !== month / 3) return undefined
  const zone = (Number(zoneHours) * 60 + Number(zoneMinutes)) * 60_000 * (sign === '-' ? -1 : 1)
  return inReason(local - zone + Number(`0.${fraction}`) * 1000)
}

/**
 * A time of a JSON log in ms since 1970: an ISO date and time, or a number of s, ms, µs or ns since 1970, told apart by its size; undefined
 * for anything else, and for what is not between 1990 and 2100.
 */
export function jsonLogTime(value: unknown): Instant | undefined {
  if (typeof value === 'string') {
    if (/^\d+(\.\d+)?$/.test(value)) return jsonLogTime(Number(value))
    // Without a zone it is UTC, or one log would be another one elsewhere.
    if (!/^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/.test(value)) return undefined
    const zoned = /(?:[zZ]|[+-]\d\d:?\d\d)$/.test(value) ? value : `${value}Z`
    return inReason(Date.parse(zoned.replace(' ', 'T').replace(',', '.')))
  }
  if (typeof value !== 'number') return undefined
  for (const scale of [1000, 1, 1e-3, 1e-6]) {
    const at = inReason(value * scale)
    if (at !== undefined) return at
  }
  return undefined
}

/** One line with a clock gone wrong would make the run decades long. */
function inReason(at: Instant): Instant | undefined {
  return at >= EARLIEST && at < LATEST ? at : undefined
}
