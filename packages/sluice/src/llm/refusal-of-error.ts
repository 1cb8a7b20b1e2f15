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
}

/** Errors of the connection: the provider said nothing at all. */
const LOST = /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|UND_ERR)/

/** The refusal an error tells of; nothing where it is not the provider's. */
export function refusalOfError(error: unknown): ProviderRefusal | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const { status, statusCode, headers, responseHeaders, body, responseBody, code, name } = error as SdkError
  const told = typeof status === 'number' ? status : statusCode
  if (typeof told === 'number' && told >= 400) {
    const heads = headers ?? responseHeaders
    return {
      status: told,
      body: (error as SdkError).error ?? body ?? responseBody,
      ...(typeof heads === 'object' && heads !== null && { headers: heads as HeadersLike }),
    }
  }
  const lost = (typeof code === 'string' && LOST.test(code)) || name === 'APIConnectionError'
  return lost ? { status: 0 } : undefined
}
