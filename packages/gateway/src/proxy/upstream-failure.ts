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
])

/** What an error of sockets, TLS or undici means to the caller. */
export function failureOf(error: Error): UpstreamFailure {
  const code = codeOf(error)
  switch (code) {
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'ETIMEDOUT':
      return { code: 'UPSTREAM_TIMEOUT', message: 'the upstream did not accept a connection in time' }
    case 'UND_ERR_HEADERS_TIMEOUT':
      return { code: 'UPSTREAM_TIMEOUT', message: 'the upstream did not answer in time' }
    case 'UND_ERR_BODY_TIMEOUT':
      return { code: 'UPSTREAM_TIMEOUT', message: 'the upstream stopped in the middle of its answer' }
    case 'UND_ERR_INVALID_ARG':
    case 'UND_ERR_NOT_SUPPORTED':
    case 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH':
      return { code: 'BAD_REQUEST', message: `the request cannot be passed on: ${error.message}` }
  }
  if (UNREACHABLE.has(code))
    return { code: 'UPSTREAM_UNREACHABLE', message: `the upstream cannot be reached (${code})` }
  if (code.startsWith('HPE_'))
    return { code: 'UPSTREAM_FAILED', message: `the upstream did not speak HTTP/1.1 (${code})` }
  if (code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE')
    return { code: 'UPSTREAM_FAILED', message: 'the upstream closed the connection before its answer' }
  return { code: 'UPSTREAM_FAILED', message: `the upstream failed (${code === '' ? error.name : code})` }
}

function codeOf(error: Error): string {
  const { code } = error as { code?: unknown }
  return typeof code === 'string' ? code : ''
}
