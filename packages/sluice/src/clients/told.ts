import type { Millis } from '../ground/index.ts'
import { parseList } from './structured-list.ts'

/** Reads a header of a response by its name in lower case. */
export type HeaderOf = (name: string) => string | undefined

/** Nobody means more than a day: a longer time is a mistake, or malice. */
const LONGEST: Millis = 86_400_000

const IMF_DATE =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d GMT$/

/**
 * How long a response asks to be left alone, in ms: by `retry-after-ms`, else by `retry-after` (whole seconds, or a
 * date). A date is compared with the `date` of the same response, so that no two clocks are. What cannot be read, and
 * what is more than a day, is as if it were not there.
 */
export function retryAfterTold(header: HeaderOf): Millis | undefined {
  return sane(milliseconds(header('retry-after-ms'))) ?? sane(afterTold(header))
}

/**
 * How long the quota of this origin is spent for, in ms, by `RateLimit` (draft-ietf-httpapi-ratelimit-headers-11): the
 * longest `t` of a policy with `r` of 0. A policy that counts something else than requests, by its `qu` in
 * `RateLimit-Policy`, is not looked at: no room for another request at once is no quota that was spent.
 */
export function quotaSpentFor(header: HeaderOf): Millis | undefined {
  const text = header('ratelimit')
  if (text === undefined) return undefined
  let longest: Millis | undefined
  let others: ReadonlySet<unknown> | undefined
  for (const { value, parameters } of parseList(text) ?? []) {
    const left = parameters.get('r')
    const reset = parameters.get('t')
    if (typeof value !== 'string' || left !== 0 || typeof reset !== 'number' || !Number.isInteger(reset)) continue
    others ??= otherQuotas(header('ratelimit-policy'))
    const told = others.has(value) ? undefined : sane(reset * 1000)
    if (told !== undefined && told > (longest ?? 0)) longest = told
  }
  return longest
}

function otherQuotas(text: string | undefined): ReadonlySet<unknown> {
  const others = new Set<unknown>()
  for (const { value, parameters } of (text !== undefined && parseList(text)) || [])
    if ((parameters.get('qu') ?? 'requests') !== 'requests') others.add(value)
  return others
}

function milliseconds(text: string | undefined): Millis | undefined {
  return text !== undefined && /^\d{1,9}(?:\.\d{1,3})?$/.test(text) ? Number(text) : undefined
}

function afterTold(header: HeaderOf): Millis | undefined {
  const text = header('retry-after')
  if (text === undefined) return undefined
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000
  const date = header('date')
  return date !== undefined && IMF_DATE.test(text) && IMF_DATE.test(date)
    ? Date.parse(text) - Date.parse(date)
    : undefined
}

function sane(told: Millis | undefined): Millis | undefined {
  return told !== undefined && told >= 0 && told <= LONGEST ? told : undefined
}
