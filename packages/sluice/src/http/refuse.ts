import { REFUSALS, retryAfterOf, type Millis, type Rejection, type RejectionCode } from '../ground/index.ts'
import { fieldNumber, fieldString, rounded } from './field.ts'

/** How a refusal is written: the JSON envelope, or RFC 9457 problem details. */
export type BodyFormat = 'envelope' | 'problem'

/** A refusal as plain data, for whatever writes the response. The headers are complete, `content-length` included. */
export interface RefusedResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** What every refusal with the same code, gate and number of seconds has in common. */
interface Plate {
  readonly seconds: number | undefined
  /** The name of the gate as a parameter of `sluice-rejection`. */
  readonly field: string
  readonly envelope: string
  readonly envelopeLength: string
  /** The problem up to the members that differ from one refusal to the next. */
  readonly problem: string
  readonly problemLength: number
  /** `RateLimit`, where something was used up, and its policy as far as `q`, where that counts requests at once. */
  readonly quota: string | undefined
  readonly policy: string | undefined
}

/** More than there are gates times codes times seconds in any sane process; beyond it the cache starts again. */
const MOST_PLATES = 1024
/** A limit from here on is none, and no structured field carries it. */
const MOST_AT_ONCE = 1e12
const plates = new Map<string, Plate>()
const encoder = new TextEncoder()

const REGISTRY = 'https://iana.org/assignments/http-problem-types#'

/**
 * What a refused request is answered with.
 *
 * The envelope is `{"success":false,"error":{"code","message","retry_after"}}`, `retry_after` in whole seconds or
 * `null` where coming back is pointless. Either format carries `retry-after` (whole seconds, rounded up),
 * `retry-after-ms`, `cache-control: no-store`, and `sluice-rejection`, a structured field (RFC 9651) that says who
 * refused, why, and what would have been needed: `queue_full;gate="api";load=101;limit=100`. Where something was used up
 * there is `ratelimit` besides, and where that is room for requests at once its `ratelimit-policy`
 * (draft-ietf-httpapi-ratelimit-headers-11).
 */
export function refuse(rejection: Rejection, format: BodyFormat = 'envelope'): RefusedResponse {
  const { code, gate, load, limit } = rejection
  const wait = retryAfterOf(rejection)
  const plate = plateOf(code, gate, wait)
  let body = plate.envelope
  let length = plate.envelopeLength
  if (format === 'problem') {
    const rest = `,"load":${numeral(load)},"limit":${numeral(limit)}}`
    body = plate.problem + rest
    length = String(plate.problemLength + rest.length)
  }
  const headers: Record<string, string> = {
    'content-type': format === 'problem' ? 'application/problem+json' : 'application/json',
    'content-length': length,
    'cache-control': 'no-store',
    'sluice-rejection': `${code}${plate.field}${fieldNumber('load', load)}${fieldNumber('limit', limit)}`,
  }
  if (wait !== undefined) {
    headers['retry-after'] = String(plate.seconds)
    headers['retry-after-ms'] = String(Math.ceil(wait))
  }
  if (plate.quota !== undefined) {
    headers['ratelimit'] = plate.quota
    if (plate.policy !== undefined && limit < MOST_AT_ONCE)
      headers['ratelimit-policy'] = `${plate.policy}${Math.floor(limit)};qu="concurrent-requests"`
  }
  return { status: REFUSALS[code].status, headers, body }
}

/** The format a request asks for: an `accept` header that names problem details gets them, whatever the default. */
export function bodyFormat(accept: string | undefined, standard: BodyFormat): BodyFormat {
  if (accept === undefined || standard === 'problem') return standard
  for (const part of accept.toLowerCase().split(',')) {
    const [type, ...parameters] = part.split(';')
    if (type?.trim() !== 'application/problem+json') continue
    if (!parameters.some((parameter) => /^\s*q\s*=\s*0(\.0*)?\s*$/.test(parameter))) return 'problem'
  }
  return standard
}

function plateOf(code: RejectionCode, gate: string, wait: Millis | undefined): Plate {
  const seconds = wait === undefined ? undefined : Math.ceil(wait / 1000)
  const key = `${code} ${seconds} ${gate}`
  let plate = plates.get(key)
  if (plate === undefined) {
    plate = engrave(code, gate, seconds)
    if (plates.size >= MOST_PLATES) plates.clear()
    plates.set(key, plate)
  }
  return plate
}

function engrave(code: RejectionCode, gate: string, seconds: number | undefined): Plate {
  const { wire, means, status } = REFUSALS[code]
  const message = `${gate} refused: ${means}`
  const retry = seconds ?? null
  const envelope = JSON.stringify({ success: false, error: { code: wire, message, retry_after: retry } })
  const kind = kindOf(code, gate, status)
  const members = { ...kind, status, detail: message, code: wire, gate, retry_after: retry }
  const problem = JSON.stringify(members).slice(0, -1)
  // Without a policy that says otherwise, nothing left means a spent quota of requests.
  const quota = code === 'rate_limited' || AT_ONCE.has(code) ? quotaOf(gate, seconds) : undefined
  return {
    seconds,
    field: `;gate=${fieldString(gate)}`,
    envelope,
    envelopeLength: String(encoder.encode(envelope).length),
    problem,
    problemLength: encoder.encode(problem).length,
    quota,
    policy: AT_ONCE.has(code) && quota !== undefined ? `${fieldString(gate)};q=` : undefined,
  }
}

/** `undefined` where it has no place in the field: a policy is named in ASCII, and lasts whole seconds. */
function quotaOf(gate: string, seconds: number | undefined): string | undefined {
  if (seconds === undefined || !Number.isSafeInteger(seconds)) return undefined
  const name = fieldString(gate)
  return name.startsWith('"') ? `${name};r=0;t=${seconds}` : undefined
}

/** Refusals whose limit is a number of requests at once. */
const AT_ONCE: ReadonlySet<RejectionCode> = new Set(['overload', 'limit_exceeded', 'queue_full'])

/** The problem types of draft-ietf-httpapi-ratelimit-headers where one fits; else the status speaks for itself. */
function kindOf(code: RejectionCode, gate: string, status: number): Readonly<Record<string, unknown>> {
  if (code === 'rate_limited') {
    const title = 'Request cannot be satisfied as assigned quota has been exceeded'
    return { type: `${REGISTRY}quota-exceeded`, title, 'violated-policies': [gate] }
  }
  if (SHORT_OF_CAPACITY.has(code)) {
    const title = 'Request cannot be satisfied due to temporary server capacity constraints'
    return { type: `${REGISTRY}temporary-reduced-capacity`, title }
  }
  return { type: 'about:blank', title: PHRASES[status] ?? 'Service Unavailable' }
}

const SHORT_OF_CAPACITY: ReadonlySet<RejectionCode> = new Set([
  'overload',
  'limit_exceeded',
  'queue_full',
  'queue_timeout',
  'evicted',
  'shed',
])

const PHRASES: Readonly<Record<number, string>> = {
  499: 'Client Closed Request',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
}

/** JSON has no infinity. */
function numeral(value: number): string {
  return Number.isFinite(value) ? String(rounded(value)) : 'null'
}
