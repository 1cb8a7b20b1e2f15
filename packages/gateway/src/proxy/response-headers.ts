import type { IncomingMessage } from 'node:http'
import { isHopByHop, namedByConnection, takesTrailers } from './hop-by-hop.ts'
import { VIA } from './request-headers.ts'

type Asked = Pick<IncomingMessage, 'headers' | 'httpVersion' | 'method'>

/**
 * The headers that go to the client: the upstream's own in their order, without those that concern its connection.
 * `content-length` stays, but for 204, which has none.
 * @param req what is answered: says if trailers can be announced. Default: they are not
 */
export function responseHeaders(raw: readonly string[], status: number, req?: Asked): string[] {
  const named = namedByConnection(raw)
  const headers: string[] = []
  let trailer: string | undefined
  let isSized = false
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!
    const lower = name.toLowerCase()
    if (isHopByHop(lower) || named?.has(lower) === true) {
      if (lower === 'trailer') trailer = raw[i + 1]!
      continue
    }
    isSized ||= lower === 'content-length'
    if (status === 204 && lower === 'content-length') continue
    headers.push(name, raw[i + 1]!)
  }
  if (trailer !== undefined && !isSized && req !== undefined && mayTrail(req, status)) headers.push('trailer', trailer)
  headers.push('via', VIA)
  return headers
}

/** Over HTTP/1.1 only a body of unknown length has trailers, and node:http throws where others are announced. */
function mayTrail({ headers, httpVersion, method }: Asked, status: number): boolean {
  if (!takesTrailers(headers.te)) return false
  return httpVersion !== '1.0' && method !== 'HEAD' && status !== 204 && status !== 304
}
