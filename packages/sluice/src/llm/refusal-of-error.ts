import type { HeadersLike } from './headers.ts'
import type { ProviderRefusal } from './refused.ts'

/** What an SDK's error has, whichever SDK. */
interface SdkError {
  readonly status?: unknown
  readonly statusCode?: unknown
  readonly headers?: unknown
  readonly responseHeaders?: unknown
  readonly error?: unknown
  readonly body?: unknown
  readonly responseBody?: unknown
  readonly code?: unknown
  readonly name?: unknown
  readonly message?: unknown
  readonly cause?: unknown
  readonly constructor?: { readonly name?: unknown }
  /** The SDKs of AWS: the status stands in here, what is wrong in `name`. */
  readonly $metadata?: { readonly httpStatusCode?: unknown }
}

/** Errors of the connection: the provider said nothing at all. */
const LOST = /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN|UND_ERR)/
/** Those of the official SDKs, whose `name` is `Error`: only their class says what they are. */
const UNANSWERED = /^APIConnection(?:Timeout)?Error$/
/** An SDK's error is caused by that of `fetch`, which is caused by that of the socket. */
const DEPTH = 4

/** The refusal an error tells of; nothing where it is not the provider's. */
export function refusalOfError(error: unknown): ProviderRefusal | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const { status, statusCode, headers, responseHeaders, $metadata } = error as SdkError
  const told = [status, statusCode, $metadata?.httpStatusCode].find((each) => typeof each === 'number')
  if (told !== undefined && told >= 400) {
    const heads = headers ?? responseHeaders
    const body = bodyOf(error)
    return {
      status: told,
      body,
      ...(typeof heads === 'object' && heads !== null && { headers: heads as HeadersLike }),
    }
  }
  return isUnanswered(error) ? { status: 0 } : undefined
}

/** What the provider said: where an error has no body its message is, or holds, that. */
function bodyOf(thrown: SdkError): unknown {
  const { error, body, responseBody, message, name, $metadata } = thrown
  const told = error ?? body ?? responseBody
  if (told !== undefined || typeof message !== 'string') return told
  return $metadata === undefined ? message : { type: name, message }
}

/** True where no answer came: by the error itself, or by what caused it, as `fetch` and the SDKs above it tell it. */
function isUnanswered(thrown: SdkError): boolean {
  let within: unknown = thrown
  for (let depth = 0; depth < DEPTH && typeof within === 'object' && within !== null; depth++) {
    const { code, name, cause, constructor } = within as SdkError
    if (typeof code === 'string' && LOST.test(code)) return true
    if ([name, constructor?.name].some((each) => typeof each === 'string' && UNANSWERED.test(each))) return true
    within = cause
  }
  return false
}
