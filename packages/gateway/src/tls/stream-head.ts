import type { IncomingHttpHeaders } from 'node:http2'

/** The head of a request over HTTP/2, as HTTP/1.1 would have it. */
export interface StreamHead {
  readonly method: string
  readonly target: string
  readonly headers: IncomingHttpHeaders
  /** Names and values in turn, without pseudo headers. */
  readonly raw: readonly string[]
  /** It asks for a WebSocket. */
  readonly tunnels: boolean
  /** Why it is not passed on, if it is not. */
  readonly flaw: StreamFlaw | undefined
}

/** What node:http would have refused already, and what begins like a WebSocket and is none. */
export type StreamFlaw = 'no host' | 'two hosts' | 'too large' | 'no websocket' | 'a body'

/** All names and values together, in bytes: what node:http lets pass. */
export const LARGEST_HEAD = 16_384

/**
 * Translates a head (RFC 9113 §8.3.1, §8.2.3): `:authority` becomes `host`, the crumbs of a cookie one header, and a body of
 * unknown length is a chunked one to whoever asks `headers`. An extended CONNECT (RFC 8441 §4) becomes the GET that opens a
 * WebSocket over HTTP/1.1, without a key, since there is none: it says how each is shown to the other. What nghttp2 has refused before need not be looked for: other
 * pseudo headers, names in capitals, line ends in values, `connection` and its relatives, a length that is not the body's.
 */
export function streamHead(headers: IncomingHttpHeaders, all: readonly string[], hasBody: boolean): StreamHead {
  const raw: string[] = []
  let host: string | undefined
  let crumbs: string | undefined
  let flaw: StreamFlaw | undefined
  let size = 0
  for (let i = 0; i < all.length; i += 2) {
    const name = all[i]!
    const value = all[i + 1]!
    size += name.length + value.length
    if (name === ':authority' || name === 'host') {
      if (host !== undefined && host !== value) flaw = 'two hosts'
      host = value
    } else if (name === 'cookie') crumbs = crumbs === undefined ? value : `${crumbs}; ${value}`
    else if (name.charCodeAt(0) !== COLON) raw.push(name, value)
  }
  if (crumbs !== undefined) raw.push('cookie', crumbs)
  if (host !== undefined) raw.push('host', host)
  if (host === undefined || host === '') flaw = 'no host'
  if (size > LARGEST_HEAD) flaw = 'too large'
  headers.host = host
  const protocol = headers[':protocol']
  const tunnels = protocol !== undefined
  if (tunnels && protocol !== 'websocket') flaw ??= 'no websocket'
  else if (tunnels && (!hasBody || headers['content-length'] !== undefined)) flaw ??= 'a body'
  else if (!tunnels && hasBody && headers['content-length'] === undefined) headers['transfer-encoding'] = 'chunked'
  const method = tunnels ? 'GET' : (headers[':method'] ?? '')
  return { method, target: headers[':path'] ?? '', headers, raw, tunnels, flaw }
}

const COLON = 58
