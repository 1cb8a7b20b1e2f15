import type { OutgoingHttpHeaders } from 'node:http2'
import { LONGEST_BLOCK } from './raw-block.ts'
import { isTarget, isText, isToken } from './raw-head.ts'
import { MOST_HEADERS } from './screen.ts'
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

/** Concern a connection of HTTP/1.1, and may not be sent (RFC 9113 §8.2.2). */
const OF_HTTP1: ReadonlySet<string> = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
])

/**
 * Translates a request (RFC 9113 §8.3.1): `host` becomes `:authority`, and of one name several become one, since node:http2
 * sends no name twice that HTTP knows as one that stands alone.
 * @param host what `:authority` is where `headers` have none
 * @returns why it cannot be sent, where it cannot: what HTTP/1.1 could not carry does not come out of HTTP/2 either
 */
export function h2Request(request: UpstreamRequest, scheme: 'http' | 'https', host: string): H2Request | string {
  const { method, target, headers: raw, body } = request
  if (!isToken(method)) return 'bad method'
  if (!isTarget(target)) return 'bad target'
  const headers: Record<string, string> = Object.create(null) as Record<string, string>
  let authority: string | undefined
  let length: number | undefined
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]!.toLowerCase()
    const value = raw[at + 1]!
    if (!isToken(name) || !isText(value)) return `bad header ${JSON.stringify(name.slice(0, 100))}`
    if (OF_HTTP1.has(name)) continue
    if (name === 'host') {
      if (authority !== undefined) return 'two hosts'
      authority = value
    } else if (name === 'content-length') {
      if (length !== undefined || !/^\d{1,15}$/.test(value)) return 'bad content-length'
      length = Number(value)
    } else {
      const before = headers[name]
      if (before === undefined) headers[name] = value
      else if (before !== value) headers[name] = `${before}${name === 'cookie' ? ';' : ','} ${value}`
    }
  }
  if (body === undefined && length !== undefined && length > 0) return 'a content-length without a body'
  if (length !== undefined) headers['content-length'] = String(length)
  const pseudo = { ':method': method, ':scheme': scheme, ':authority': authority ?? host, ':path': target }
  return { headers: { ...pseudo, ...headers }, length: body === undefined ? undefined : length }
}

/**
 * Reads a head of an answer, as strictly as one of HTTP/1.1: what nghttp2 has refused before (other pseudo headers, names
 * in capitals, `connection` and its relatives, a length that is not the body's) need not be looked for.
 * @param raw names and values in turn
 * @returns why it is none, where it is none
 */
export function h2Answer(raw: readonly string[]): H2Answer | string {
  const headers: string[] = []
  let status: number | undefined
  let size = 0
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]!
    const value = raw[at + 1]!
    size += name.length + value.length
    if (name === ':status') status = /^[1-9]\d\d$/.test(value) ? Number(value) : undefined
    else if (!isToken(name) || !isText(value)) return 'bad header'
    else headers.push(name, value)
  }
  if (status === undefined) return 'bad status'
  if (headers.length > 2 * MOST_HEADERS) return 'too many headers'
  if (size > LONGEST_BLOCK) return 'too long a head'
  return { status, headers }
}
