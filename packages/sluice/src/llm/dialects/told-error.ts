import type { Millis } from '../../ground/index.ts'
import { readGoDuration } from './go-duration.ts'
import { listOf, objectOf, parseJson, textOf, type JsonObject } from './json-field.ts'
import { readOpenaiMessage } from './openai-message.ts'
import { readInstant } from './rfc3339.ts'

/** Reads a header of a response by its name in lower case. */
export type HeaderOf = (name: string) => string | undefined

/** An error as a provider tells it, in one set of names. */
export interface ToldError {
  readonly status: number
  /** `rate_limit_error`, `tokens`, `insufficient_quota`, Gemini's `RESOURCE_EXHAUSTED`, `ThrottlingException` of AWS. */
  readonly type: string | undefined
  /** `rate_limit_exceeded`, `slow_down`, `enforced_spend_limit_reached`, Gemini's `quotaId`. */
  readonly code: string | undefined
  /** At most 4,096 characters. */
  readonly message: string
  /** In how many ms it says to come again: by a header, else by the body. Undefined where it does not say. */
  readonly delay: Millis | undefined
  /** False where `x-should-retry` forbids to try again, true where it asks to. */
  readonly mayRetry: boolean | undefined
  readonly limit: number | undefined
  readonly used: number | undefined
  readonly requested: number | undefined
}

/** Nobody means more than a month: a longer time is a mistake, or malice. */
const LONGEST: Millis = 31 * 86_400_000
const MESSAGE = 4096
/** Bodies of errors are short; of a longer one only so much is read. */
const BODY = 262_144

/**
 * Reads an error in any dialect.
 * @param body its body, as text or parsed
 */
export function readError(status: number, header: HeaderOf, body: unknown): ToldError {
  const parsed = typeof body === 'string' ? parseJson(body.slice(0, BODY)) : body
  // Gemini may answer a list with one error in it.
  const top = objectOf(Array.isArray(parsed) ? parsed[0] : parsed)
  const error = objectOf(top?.['error']) ?? top
  const details = objectOf(error?.['details'])
  const quota = quotaOf(error)
  const message = (
    textOf(error?.['message']) ??
    textOf(top?.['error']) ??
    (typeof body === 'string' ? body : '')
  ).slice(0, MESSAGE)
  const figures = readOpenaiMessage(message)
  return {
    status,
    type:
      textOf(error?.['type']) ?? textOf(error?.['status']) ?? textOf(error?.['__type']) ?? header('x-amzn-errortype'),
    code: textOf(details?.['error_code']) ?? quota.id ?? textOf(error?.['code']),
    message,
    delay: sane(delayOf(header) ?? quota.delay ?? figures.wait),
    mayRetry: mayRetryOf(header('x-should-retry')),
    limit: figures.limit ?? quota.limit,
    used: figures.used,
    requested: figures.requested,
  }
}

/** How long a response asks to be left alone, in ms: by `retry-after-ms`, else by `retry-after`; seconds may be fractions. */
export function delayOf(header: HeaderOf): Millis | undefined {
  for (const name of ['retry-after-ms', 'x-ms-retry-after-ms'])
    if (isNumber(header(name) ?? '')) return sane(Number(header(name)))
  const text = header('retry-after')
  if (text === undefined) return undefined
  if (isNumber(text)) return sane(Number(text) * 1000)
  // A date is compared with that of the same response, so that no two clocks are.
  const date = header('date')
  if (date === undefined || text.length > 40 || date.length > 40) return undefined
  return sane(instantOf(text) - instantOf(date))
}

function instantOf(text: string): number {
  return readInstant(text) ?? Date.parse(text)
}

function isNumber(text: string): boolean {
  return /^\d{1,12}(?:\.\d{1,12})?$/.test(text)
}

function sane(delay: Millis | undefined): Millis | undefined {
  return delay !== undefined && delay >= 0 && delay <= LONGEST ? delay : undefined
}

function mayRetryOf(text: string | undefined): boolean | undefined {
  return text === 'true' ? true : text === 'false' ? false : undefined
}

interface Quota {
  readonly id: string | undefined
  readonly limit: number | undefined
  readonly delay: Millis | undefined
}

/** What Google's errors tell in `details`: `RetryInfo` and the first violation of `QuotaFailure`. */
function quotaOf(error: JsonObject | undefined): Quota {
  let id: string | undefined
  let limit: number | undefined
  let delay: Millis | undefined
  for (const detail of listOf(error?.['details']).slice(0, 16)) {
    const fields = objectOf(detail)
    const kind = textOf(fields?.['@type']) ?? ''
    if (kind.endsWith('google.rpc.RetryInfo')) delay = readGoDuration(textOf(fields?.['retryDelay']) ?? '')
    if (!kind.endsWith('google.rpc.QuotaFailure')) continue
    for (const violation of listOf(fields?.['violations']).slice(0, 16)) {
      const told = objectOf(violation)
      const found = textOf(told?.['quotaId'])
      // Of several the one of the day decides how long it takes.
      if (found === undefined || (id !== undefined && !/PerDay/i.test(found))) continue
      id = found
      const value = Number(told?.['quotaValue'] ?? Number.NaN)
      limit = Number.isFinite(value) ? value : undefined
    }
  }
  return { id, limit, delay }
}
