import type { OutgoingHttpHeaders } from 'node:http2'
import { LONGEST_BLOCK } from './raw-block.ts'
import { isTarget, isText, isToken } from './raw-head.ts'
import { MOST_HEADERS } from './screen.ts'
import { trailersOf } from './trailers.ts'
import type { UpstreamRequest } from './upstream.ts'

/** A request as node:http2 takes it. */
export interface H2Request {
  readonly headers: OutgoingHttpHeaders
  /** Of the body in bytes; `undefined` where it is not known, or where there is none. */
  readonly length: number | undefined
}

/** The head of an answer. */
export interface H2Answer {
  readonly status: number
  /** Names and values in turn, without pseudo headers. */
  readonly headers: readonly string[]
}

/** Concern a connection of HTTP/1.1, and may not be sent (RFC 9113 §8.2.2), as `te` may not, but for `trailers`. */
const OF_HTTP1: ReadonlySet<string> = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
])

/**
 * Translates a request (RFC 9113 §8.3.1): `host` becomes `:authority`, and of one name several become one.
 * @param host what `:authority` is where `headers` have none
 * @returns why it cannot be sent, where it cannot: what HTTP/1.1 could not carry does not come out of HTTP/2 either
 */
export function h2Request(request: UpstreamRequest, scheme: 'http' | 'https', host: string): H2Request | string {
  const { method, target, headers: raw, body } = request
  if (!isToken(method)) return 'bad method'
  if (!isTarget(target)) return 'bad target'
  const fields: string[] = []
  let authority: string | undefined
  let length: number | undefined
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]!.toLowerCase()
    const value = raw[at + 1]!
    if (!isToken(name) || !isText(value)) return `bad header ${JSON.stringify(name.slice(0, 100))}`
    if (OF_HTTP1.has(name) || (name === 'te' && value !== 'trailers')) continue
    if (name === 'host') {
      if (authority !== undefined) return 'two hosts'
      authority = value
    } else if (name === 'content-length') {
      if (length !== undefined || !/^\d{1,15}$/.test(value)) return 'bad content-length'
      length = Number(value)
    } else fields.push(name, value)
  }
  if (body === undefined && length !== undefined && length > 0) return 'a content-length without a body'
  const pseudo = { ':method': method, ':scheme': scheme, ':authority': authority ?? host, ':path': target }
  const framing = length === undefined ? {} : { 'content-length': String(length) }
  return { headers: { ...pseudo, ...joined(fields), ...framing }, length: body === undefined ? undefined : length }
}

/**
 * Reads a head of an answer, as strictly as one of HTTP/1.1: what nghttp2 has refused before (other pseudo headers, names
 * in capitals, `connection` and its relatives, a length that is not the body's) need not be looked for.
 * @param raw names and values in turn
 * @returns why it is none, where it is none
 */
export function h2Answer(raw: readonly string[]): H2Answer | string {
  const [first, status = ''] = raw
  if (first !== ':status' || !/^[1-9]\d\d$/.test(status)) return 'bad status'
  const headers = h2Fields(raw, 2)
  return typeof headers === 'string' ? headers : { status: Number(status), headers }
}

/**
 * Reads the fields of a head, or trailers.
 * @param from where in `raw` they begin
 * @returns names and values in turn, or why they cannot be read
 */
export function h2Fields(raw: readonly string[], from: number = 0): readonly string[] | string {
  let size = 0
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]!
    const value = raw[at + 1]!
    size += name.length + value.length
    if (at >= from && (!isToken(name) || !isText(value))) return 'bad header'
  }
  if (raw.length - from > 2 * MOST_HEADERS) return 'too many headers'
  if (size > LONGEST_BLOCK) return 'too long a head'
  return raw.slice(from)
}

/** Trailers as node:http2 takes them: of one name several become one. */
export function h2Trailers(raw: readonly string[] | undefined, headers: readonly string[]): OutgoingHttpHeaders {
  return joined(trailersOf(raw, headers))
}

/** One of each name, since node:http2 sends no name twice that HTTP knows as one that stands alone. */
function joined(fields: readonly string[]): Record<string, string> {
  const all: Record<string, string> = Object.create(null) as Record<string, string>
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at]!.toLowerCase()
    const value = fields[at + 1]!
    const before = all[name]
    if (before === undefined) all[name] = value
    else if (before !== value) all[name] = `${before}${name === 'cookie' ? ';' : ','} ${value}`
  }
  return all
}
