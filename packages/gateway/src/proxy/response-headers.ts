import { isHopByHop, namedByConnection } from './hop-by-hop.ts'
import { VIA } from './request-headers.ts'

/**
 * The headers that go to the client: the upstream's own in their order, without those that concern its connection.
 * `content-length` stays, but for 204, which has none.
 */
export function responseHeaders(raw: readonly string[], status: number): string[] {
  const named = namedByConnection(raw)
  const headers: string[] = []
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!
    const lower = name.toLowerCase()
    if (isHopByHop(lower) || named?.has(lower) === true) continue
    if (status === 204 && lower === 'content-length') continue
    headers.push(name, raw[i + 1]!)
  }
  headers.push('via', VIA)
  return headers
}
