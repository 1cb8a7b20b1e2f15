import { LINK_LOCAL } from '../outward/index.ts'

/** Why there is no answer. Also the `code` of the JSON body. */
export type UpstreamFailureCode = 'BAD_REQUEST' | 'UPSTREAM_UNREACHABLE' | 'UPSTREAM_FAILED' | 'UPSTREAM_TIMEOUT'

/** What goes wrong between here and the upstream, as plain data. */
export interface UpstreamFailure {
  readonly code: UpstreamFailureCode
  /** For people: what happened, with the system's own word for it. */
  readonly message: string
}

const UNREACHABLE: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'EADDRNOTAVAIL',
  'EACCES',
  'EMFILE',
  'ENFILE',
  LINK_LOCAL,
])

function timeout(message: string): UpstreamFailure {
  return { code: 'UPSTREAM_TIMEOUT', message }
}

function failed(message: string): UpstreamFailure {
  return { code: 'UPSTREAM_FAILED', message }
}

/** Nobody accepted a connection in time. */
export const CONNECT_TIMEOUT: UpstreamFailure = timeout('the upstream did not accept a connection in time')
/** The head of the answer did not come in time. */
export const HEADERS_TIMEOUT: UpstreamFailure = timeout('the upstream did not answer in time')
/** The answer does not go on. */
export const BODY_TIMEOUT: UpstreamFailure = timeout('the upstream stopped in the middle of its answer')
/** All connections that may be had are busy. */
export const BUSY: UpstreamFailure = timeout('no connection to the upstream became free in time')
/** Nothing comes over a connection any more, not even the answer to a ping. */
export const SILENT: UpstreamFailure = timeout('the connection to the upstream is dead')
/** The connection ended before the answer began. */
export const CLOSED: UpstreamFailure = failed('the upstream closed the connection before its answer')
/** Something came over the connection that can be no answer. */
export const UNASKED: UpstreamFailure = failed('the upstream spoke before it was asked')
/** The connection ended before the answer did. */
export const CUT_OFF: UpstreamFailure = failed('the upstream broke off in the middle of its answer')
/** The client was closed. */
export const SHUT: UpstreamFailure = failed('the gateway has closed its connections to the upstream')

/** What an error of sockets, TLS or undici means to the caller. */
export function failureOf(error: Error): UpstreamFailure {
  const code = codeOf(error)
  switch (code) {
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'ETIMEDOUT':
      return CONNECT_TIMEOUT
    case 'UND_ERR_HEADERS_TIMEOUT':
      return HEADERS_TIMEOUT
    case 'UND_ERR_BODY_TIMEOUT':
      return BODY_TIMEOUT
    case 'UND_ERR_INVALID_ARG':
    case 'UND_ERR_NOT_SUPPORTED':
    case 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH':
      return { code: 'BAD_REQUEST', message: `the request cannot be passed on: ${error.message}` }
  }
  if (UNREACHABLE.has(code))
    return { code: 'UPSTREAM_UNREACHABLE', message: `the upstream cannot be reached (${code})` }
  if (code.startsWith('HPE_'))
    return { code: 'UPSTREAM_FAILED', message: `the upstream did not speak HTTP/1.1 (${code})` }
  // A GOAWAY with an error.
  if (code === 'ERR_HTTP2_SESSION_ERROR') return CLOSED
  if (code.startsWith('ERR_HTTP2_'))
    return { code: 'UPSTREAM_FAILED', message: `the upstream did not speak HTTP/2 (${code})` }
  if (code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE') return CLOSED
  return { code: 'UPSTREAM_FAILED', message: `the upstream failed (${code === '' ? error.name : code})` }
}

function codeOf(error: Error): string {
  const { code } = error as { code?: unknown }
  return typeof code === 'string' ? code : ''
}
