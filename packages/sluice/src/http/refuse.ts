import { REFUSALS, retryAfterOf, type Rejection, type RejectionCode } from '../ground/index.ts'
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
  readonly envelope: string
  readonly length: string
  /** `sluice-rejection` up to the numbers. */
  readonly field: string
  /** `RateLimit`, where something was used up. */
  readonly quota: string | undefined
}

/** More than there are gates times codes times seconds in any sane process; beyond it the cache starts again. */
const MOST_PLATES = 1024
/** A limit from here on is none, and no structured field carries it. */
const MOST_AT_ONCE = 1e12
const plates = new Map<string, Plate>()
const encoder = new TextEncoder()

const PROBLEM = 'application/problem+json'
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
  const { status } = REFUSALS[code]
  const wait = retryAfterOf(rejection)
  const seconds = wait === undefined ? null : Math.ceil(wait / 1000)
  const plate = plateOf(code, gate, seconds)
  const problem = format === 'problem'
  const body = problem ? problemOf(rejection, seconds) : plate.envelope
  const headers: Record<string, string> = {
    'content-type': problem ? PROBLEM : 'application/json',
    'content-length': problem ? lengthOf(body) : plate.length,
    'cache-control': 'no-store',
    'sluice-rejection': plate.field + fieldNumber('load', load) + fieldNumber('limit', limit),
  }
  if (wait !== undefined) {
    headers['retry-after'] = String(seconds)
    headers['retry-after-ms'] = String(Math.ceil(wait))
  }
  if (plate.quota !== undefined) {
    headers['ratelimit'] = plate.quota
    if (AT_ONCE.has(code) && limit < MOST_AT_ONCE)
      headers['ratelimit-policy'] = `${fieldString(gate)};q=${Math.floor(limit)};qu="concurrent-requests"`
  }
  return { status, headers, body }
}

/**
 * The format a request asks for. An `accept` header that names problem details gets them, whatever the default, unless it
 * likes other JSON better (RFC 9110 §12.5.1).
 */
export function bodyFormat(accept: string | undefined, standard: BodyFormat): BodyFormat {
  const ranges = accept?.toLowerCase()
  // Hardly anybody does.
  if (!ranges?.includes(PROBLEM)) return standard
  const liking = new Map(ranges.split(',').map(readRange))
  const problem = liking.get(PROBLEM) ?? 0
  const plain = liking.get('application/json') ?? liking.get('application/*') ?? liking.get('*/*') ?? 0
  return problem > 0 && problem >= plain ? 'problem' : standard
}

/** A media range and how much it is liked, from 0 to 1. */
function readRange(range: string): [type: string, liking: number] {
  const [type = '', ...parameters] = range.split(';').map((part) => part.trim())
  const weight = parameters.find((parameter) => /^q\s*=/.test(parameter))
  return [type, weight === undefined ? 1 : Number(weight.slice(weight.indexOf('=') + 1))]
}

function plateOf(code: RejectionCode, gate: string, seconds: number | null): Plate {
  const key = `${code} ${seconds} ${gate}`
  let plate = plates.get(key)
  if (plate === undefined) {
    plate = engrave(code, gate, seconds)
    if (plates.size >= MOST_PLATES) plates.clear()
    plates.set(key, plate)
  }
  return plate
}

function engrave(code: RejectionCode, gate: string, seconds: number | null): Plate {
  const error = { code: REFUSALS[code].wire, message: messageOf(code, gate), retry_after: seconds }
  const envelope = JSON.stringify({ success: false, error })
  const name = fieldString(gate)
  // A policy is named in ASCII, and lasts whole seconds. Without one that says otherwise, nothing left means a spent quota
  // of requests.
  const counted =
    Number.isSafeInteger(seconds) && name.startsWith('"') && (code === 'rate_limited' || AT_ONCE.has(code))
  return {
    envelope,
    length: lengthOf(envelope),
    field: `${code};gate=${name}`,
    quota: counted ? `${name};r=0;t=${seconds}` : undefined,
  }
}

/** Not engraved: few ask for it. JSON turns what is endless into `null`. */
function problemOf({ code, gate, load, limit }: Rejection, seconds: number | null): string {
  const { wire, status } = REFUSALS[code]
  return JSON.stringify({
    ...kindOf(code, gate, status),
    status,
    detail: messageOf(code, gate),
    code: wire,
    gate,
    retry_after: seconds,
    load: rounded(load),
    limit: rounded(limit),
  })
}

function messageOf(code: RejectionCode, gate: string): string {
  return `${gate} refused: ${REFUSALS[code].means}`
}

/** In bytes. */
function lengthOf(body: string): string {
  return String(encoder.encode(body).length)
}

/** Refusals whose limit is a number of requests at once: in progress, or waiting. */
const AT_ONCE: ReadonlySet<RejectionCode> = new Set(['overload', 'limit_exceeded', 'queue_full'])

/** The problem types of draft-ietf-httpapi-ratelimit-headers where one fits; else the status speaks for itself. */
function kindOf(code: RejectionCode, gate: string, status: number): Readonly<Record<string, unknown>> {
  if (code === 'rate_limited') {
    const title = 'Request cannot be satisfied as assigned quota has been exceeded'
    return { type: `${REGISTRY}quota-exceeded`, title, 'violated-policies': [gate] }
  }
  if (status === 503 && code !== 'breaker_open' && code !== 'closed') {
    const title = 'Request cannot be satisfied due to temporary server capacity constraints'
    return { type: `${REGISTRY}temporary-reduced-capacity`, title }
  }
  return { type: 'about:blank', title: PHRASES[status] ?? 'Service Unavailable' }
}

const PHRASES: Readonly<Record<number, string>> = {
  499: 'Client Closed Request',
  504: 'Gateway Timeout',
}
