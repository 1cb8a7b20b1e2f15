import type { Millis } from '../../ground/index.ts'
import type { BudgetName, RefusalClass } from '../profile.ts'
import type { Dialect } from './dialect.ts'
import type { JsonObject } from './json-field.ts'
import { nativeBudgetHeaders, nativeRetryHeaders, type HeaderField, type NativeBudget } from './native-headers.ts'

/** A refusal to be told in the words of a dialect. */
export interface NativeRefusal {
  readonly is: RefusalClass
  readonly message: string
  /** Which limit it is about. With `never`: the request is larger than it; without: no credit is left. */
  readonly budget?: BudgetName | undefined
  /** When to come again, in ms. Not told with `never`. */
  readonly delay?: Millis | undefined
  /** Whether the caller may try again by itself. Default: yes, but with `never`. */
  readonly mayRetry?: boolean | undefined
  /** Default: the one the provider uses, as 429, 503 or 529. The AI SDK tries 408, 409, 429 and 5xx again whatever else. */
  readonly status?: number | undefined
  /** What is left, told in headers. */
  readonly budgets?: Readonly<Partial<Record<BudgetName, NativeBudget>>> | undefined
  /** The name of the request, for logs. */
  readonly requestId?: string | undefined
}

/** A response to write. */
export interface NativeError {
  readonly status: number
  readonly headers: readonly HeaderField[]
  /** JSON. */
  readonly body: string
}

interface Words {
  readonly status: number
  readonly type: string
  readonly code: string | null
}

/** @param now the wall clock in ms since 1970, for headers that name instants */
export function nativeError(dialect: Dialect, refusal: NativeRefusal, now: number): NativeError {
  const { is, delay, requestId } = refusal
  const mayRetry = refusal.mayRetry ?? is !== 'never'
  const headers: HeaderField[] = [['content-type', 'application/json']]
  if (requestId !== undefined)
    headers.push([dialect === 'anthropic-messages' ? 'request-id' : 'x-request-id', requestId])
  headers.push(...nativeBudgetHeaders(dialect, refusal.budgets ?? {}, now))
  headers.push(...nativeRetryHeaders(is === 'never' ? undefined : delay, mayRetry))
  return {
    status: refusal.status ?? wordsOf(dialect, refusal).status,
    headers,
    body: JSON.stringify(errorObject(dialect, refusal)),
  }
}

/**
 * The same in the middle of a stream, as a server-sent event: the official clients throw it as an error without a status and
 * do not try again, for part of the answer is out.
 */
export function nativeErrorEvent(dialect: Dialect, refusal: NativeRefusal): string {
  const body = errorObject(dialect, refusal)
  if (dialect === 'anthropic-messages') return `event: error\ndata: ${JSON.stringify(body)}\n\n`
  if (dialect !== 'openai-responses') return `data: ${JSON.stringify(body)}\n\n`
  // Documented with its fields on top; clients throw for what has an `error`, and the service sends that too.
  const { code } = wordsOf(dialect, refusal)
  // Who reads by a schema wants a number: how many events came before is not known here.
  const told = { type: 'error', sequence_number: 0, code, message: refusal.message, param: null, ...body }
  return `event: error\ndata: ${JSON.stringify(told)}\n\n`
}

function errorObject(dialect: Dialect, refusal: NativeRefusal): JsonObject {
  const { type, code } = wordsOf(dialect, refusal)
  const { message, requestId } = refusal
  if (dialect !== 'anthropic-messages') return { error: { message, type, param: null, code } }
  return {
    type: 'error',
    error: { ...(code === null ? {} : { details: { error_code: code } }), type, message },
    ...(requestId === undefined ? {} : { request_id: requestId }),
  }
}

function wordsOf(dialect: Dialect, { is, budget }: NativeRefusal): Words {
  const credit = is === 'never' && budget === undefined
  if (dialect === 'anthropic-messages') return credit ? ANTHROPIC_CREDIT : ANTHROPIC[is]
  const words = credit ? OPENAI_CREDIT : OPENAI[is]
  const requests = budget === 'requests' || budget === 'requestsDaily'
  return words.type === 'tokens' && requests ? { ...words, type: 'requests' } : words
}

const OPENAI: Readonly<Record<RefusalClass, Words>> = {
  wait: { status: 429, type: 'tokens', code: 'rate_limit_exceeded' },
  long: { status: 429, type: 'tokens', code: 'rate_limit_exceeded' },
  never: { status: 429, type: 'tokens', code: 'rate_limit_exceeded' },
  ramp: { status: 429, type: 'requests', code: 'slow_down' },
  capacity: { status: 503, type: 'service_unavailable_error', code: 'server_is_overloaded' },
  fault: { status: 500, type: 'server_error', code: null },
  request: { status: 400, type: 'invalid_request_error', code: null },
}
const OPENAI_CREDIT: Words = { status: 429, type: 'insufficient_quota', code: 'insufficient_quota' }

const ANTHROPIC: Readonly<Record<RefusalClass, Words>> = {
  wait: { status: 429, type: 'rate_limit_error', code: null },
  long: { status: 429, type: 'rate_limit_error', code: null },
  never: { status: 413, type: 'request_too_large', code: null },
  ramp: { status: 429, type: 'rate_limit_error', code: 'ramp_limit_exceeded' },
  capacity: { status: 529, type: 'overloaded_error', code: null },
  fault: { status: 500, type: 'api_error', code: null },
  request: { status: 400, type: 'invalid_request_error', code: null },
}
const ANTHROPIC_CREDIT: Words = { status: 429, type: 'rate_limit_error', code: 'enforced_spend_limit_reached' }
