import { isTarget, isText, isToken } from './raw-head.ts'
import type { UpstreamRequest } from './upstream.ts'

/** A request as it is written. */
export interface RawRequest {
  /** Its head, in latin1, with the empty line. */
  readonly head: string
  /** Of the body in bytes; `undefined` when it goes out in chunks. */
  readonly length: number | undefined
}

/** These say by their length that they have no body. */
const EXPECT_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH'])

/**
 * Writes a head whose framing is made here and nowhere else: whatever `headers` say about it is dropped, but for the
 * length of a body.
 * @param host what `host` says where `headers` have none
 * @returns why it cannot be sent, where it cannot: no byte may go out that begins another line
 */
export function writeRequest({ method, target, headers, body }: UpstreamRequest, host: string): RawRequest | string {
  if (!isToken(method)) return 'bad method'
  if (!isTarget(target)) return 'bad target'
  let head = `${method} ${target} HTTP/1.1\r\n`
  let length: number | undefined
  let hosted = false
  let trailing = false
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at]!
    const value = headers[at + 1]!
    if (!isToken(name) || !isText(value)) return `bad header ${JSON.stringify(name.slice(0, 100))}`
    switch (name.length) {
      case 2:
        trailing ||= name.toLowerCase() === 'te'
        break
      case 4:
        hosted ||= name.toLowerCase() === 'host'
        break
      case 10:
      case 17:
        if (OWN.has(name.toLowerCase())) continue
        break
      case 14: {
        if (name.toLowerCase() !== 'content-length') break
        if (length !== undefined || !/^\d{1,15}$/.test(value)) return 'bad content-length'
        length = Number(value)
        continue
      }
    }
    head += `${name}: ${value}\r\n`
  }
  if (!hosted) head += `host: ${host}\r\n`
  if (body === undefined) {
    if (length !== undefined && length > 0) return 'a content-length without a body'
    length = 0
    if (EXPECT_BODY.has(method)) head += 'content-length: 0\r\n'
  } else head += length === undefined ? 'transfer-encoding: chunked\r\n' : `content-length: ${length}\r\n`
  // Which concerns this connection, and so is named (RFC 9110 §10.1.4).
  return { head: `${head}connection: ${trailing ? 'te, ' : ''}keep-alive\r\n\r\n`, length }
}

const OWN: ReadonlySet<string> = new Set(['transfer-encoding', 'connection', 'keep-alive'])
