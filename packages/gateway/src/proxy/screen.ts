import type { IncomingMessage, ServerResponse } from 'node:http'
import { answer, type OwnAnswer } from './own-answer.ts'

/** What listens for requests. */
export type Listener = (req: IncomingMessage, res: ServerResponse) => void

/** More header lines than any honest client sends. */
export const MOST_HEADERS = 200

const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'

/** A host as RFC 3986 has it (without the comma, which some take for a list), and an optional port. */
const HOST = /^(?:[\w.~!$&'()*+;=%-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i

/** Headers of which a second one would let two readers of the same request see two different things. */
const ONCE: readonly string[] = ['host', 'content-length', 'transfer-encoding', 'authorization']

/**
 * Lets only requests through that every server reads the same way. node:http has refused most of the others already;
 * this decides what it lets pass. Stands in front of the gate: what is malformed takes no permit and teaches nothing.
 */
export function screen(next: Listener): Listener {
  return (req, res) => {
    const flaw = flawOf(req)
    if (flaw === undefined) return next(req, res)
    // Whether its body still comes is up to the client: what follows on this connection could be either.
    if (req.headers.expect !== undefined) res.shouldKeepAlive = false
    answer(req, res, flaw)
  }
}

/** Why a request is not passed on, if it is not. */
export function flawOf(req: IncomingMessage): OwnAnswer | undefined {
  const { httpVersion, method, url = '' } = req
  // That it says so in a line of HTTP/1.1 does not make it HTTP/2: no header of that begins with a colon.
  if (httpVersion !== '1.1' && httpVersion !== '1.0' && !(':method' in req.headers))
    return { status: 505, code: 'HTTP_VERSION_NOT_SUPPORTED', message: 'only HTTP/1.1 and HTTP/1.0 are spoken here' }
  if (method === 'TRACE' || method === 'CONNECT') return methodNotAllowed(method)
  if (url.charCodeAt(0) !== SLASH) return method === 'OPTIONS' && url === '*' ? SERVER_WIDE : BAD_TARGET
  if (url.includes('#')) return BAD_TARGET
  return flawOfHeaders(req)
}

const SLASH = 47

const SERVER_WIDE: OwnAnswer = {
  status: 501,
  code: 'NOT_IMPLEMENTED',
  message: 'OPTIONS * asks about a server as a whole; this gateway answers for its resources only',
}

const BAD_TARGET = bad('the request target must be a path that begins with / and has no fragment')

/** What the methods that are never passed on are answered with: they reflect, or tunnel past, what stands between. */
export function methodNotAllowed(method: string): OwnAnswer {
  return { status: 405, code: 'METHOD_NOT_ALLOWED', message: `${method} is not passed on`, headers: { allow: METHODS } }
}

function flawOfHeaders(req: IncomingMessage): OwnAnswer | undefined {
  const raw = req.rawHeaders
  if (raw.length > 2 * MOST_HEADERS)
    return { status: 431, code: 'TOO_MANY_HEADERS', message: `a request has at most ${MOST_HEADERS} headers` }
  const said: (string | undefined)[] = [undefined, undefined, undefined, undefined]
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!
    // Only these lengths occur in ONCE: most headers need no lower case and no look-up.
    if (!LENGTHS[name.length]) continue
    const at = ONCE.indexOf(name.toLowerCase())
    if (at < 0) continue
    if (said[at] !== undefined) return bad(`more than one ${ONCE[at]} header`)
    said[at] = raw[i + 1]!
  }
  const [host, length, coding] = said
  if (host !== undefined && !HOST.test(host)) return bad('the host header is not a host')
  return coding === undefined ? undefined : flawOfCoding(coding, length !== undefined, req.httpVersion)
}

const LENGTHS: readonly boolean[] = Array.from({ length: 32 }, (_, n) => ONCE.some((name) => name.length === n))

function flawOfCoding(coding: string, hasLength: boolean, version: string): OwnAnswer | undefined {
  if (version === '1.0') return bad('HTTP/1.0 has no transfer-encoding')
  if (hasLength) return bad('both transfer-encoding and content-length')
  if (coding.toLowerCase() === 'chunked') return undefined
  return { status: 501, code: 'NOT_IMPLEMENTED', message: 'the only transfer-encoding understood is chunked' }
}

function bad(message: string): OwnAnswer {
  return { status: 400, code: 'BAD_REQUEST', message }
}
