import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { isHopByHop, namedByConnection, takesTrailers } from './hop-by-hop.ts'

/** How the gateway presents a request to the upstream. */
export interface ForwardingRules {
  /** Whose `host` the upstream sees: the one the client asked for, or the upstream's own. */
  readonly host: 'client' | 'upstream'
  /** `host` of the upstream. */
  readonly upstreamHost: string
  /** True when what the client says of whom it speaks for (`forwarded`, `x-forwarded-*`), and its `priority`, go on. */
  readonly trustForwarded: boolean
}

/** What this hop calls itself in `via`. */
export const VIA = '1.1 sluice'
/** The same for what came over HTTP/2. */
const VIA_2 = '2 sluice'

/**
 * What is believed of peers that are trusted only. `priority` too: a service that believes this gateway would take it for
 * a word of ours, and serve a stranger before others (S3.6).
 */
const BELIEVED: ReadonlySet<string> = new Set(['forwarded', 'priority', 'x-real-ip'])

/** True for a header (in lower case) that only trusted peers may send on. */
export function isBelieved(name: string): boolean {
  return name.startsWith('x-forwarded-') || BELIEVED.has(name)
}

/**
 * The headers that go to the upstream: the client's own in their order, without those that concern its connection,
 * without framing but a true `content-length`, and with what a reverse proxy adds. That trailers are read is said where
 * the client reads them, and that some come where the body can have any.
 */
export function requestHeaders(req: IncomingMessage, rules: ForwardingRules): string[] {
  const raw = req.rawHeaders
  const named = namedByConnection(raw)
  // A coded body has no length that is known in advance: it goes out chunked again.
  const coded = req.headers['transfer-encoding'] !== undefined
  const headers: string[] = []
  let trailing = false
  let forwardedFor = ''
  let proto: string | undefined
  let host: string | undefined
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!
    const lower = name.toLowerCase()
    if (isHopByHop(lower)) {
      if (lower === 'te') trailing ||= takesTrailers(raw[i + 1])
      if (lower !== 'trailer' || !coded) continue
    }
    if (named?.has(lower) === true || (lower.includes('_') && isDisguised(lower, req))) continue
    if (lower === 'host' || (lower === 'content-length' && coded)) continue
    const value = raw[i + 1]!
    if (isBelieved(lower)) {
      if (!rules.trustForwarded) continue
      if (lower === 'x-forwarded-for') {
        forwardedFor += `${value}, `
        continue
      }
      if (lower === 'x-forwarded-proto') proto = value
      if (lower === 'x-forwarded-host') host = value
    }
    headers.push(name, value)
  }
  const asked = req.headers.host
  headers.push('host', rules.host === 'client' ? (asked ?? rules.upstreamHost) : rules.upstreamHost)
  headers.push('x-forwarded-for', forwardedFor + peer(req))
  if (proto === undefined) headers.push('x-forwarded-proto', isSecure(req) ? 'https' : 'http')
  if (host === undefined && asked !== undefined) headers.push('x-forwarded-host', asked)
  if (trailing) headers.push('te', 'trailers')
  headers.push('via', req.httpVersionMajor === 2 ? VIA_2 : VIA)
  return headers
}

/**
 * Servers in the manner of CGI (WSGI, Rack, PHP) do not tell `x_forwarded_for` from `x-forwarded-for`: one that they would
 * take for a header that was dropped, added or judged here does not go on.
 */
function isDisguised(name: string, { headers }: IncomingMessage): boolean {
  const read = name.replaceAll('_', '-')
  return isHopByHop(read) || isBelieved(read) || headers[read] !== undefined
}

function isSecure({ socket }: IncomingMessage): boolean {
  return (socket as Partial<TLSSocket>).encrypted === true
}

const MAPPED = '::ffff:'

/** Who sent it, IPv4 in its own notation also where it came through an IPv6 socket. */
function peer(req: IncomingMessage): string {
  const address = req.socket.remoteAddress ?? 'unknown'
  return address.startsWith(MAPPED) ? address.slice(MAPPED.length) : address
}
