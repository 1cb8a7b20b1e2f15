import type { IncomingMessage, ServerResponse } from 'node:http'
import type { KeptAnswer } from './response-cache.ts'
import { isHopByHop, VIA } from '../proxy/index.ts'

/** Answers from the cache: with its age, and 304 where the client has it already. */
export function serveKept(req: IncomingMessage, res: ServerResponse, answer: KeptAnswer, now: number): void {
  const { status, headers, body, at, age, freshUntil, etag } = answer
  const known = etag !== undefined && matches(req.headers['if-none-match'], etag)
  const told: string[] = []
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!.toLowerCase()
    if (isHopByHop(name) || name === 'content-length' || name === 'cache-status') continue
    told.push(headers[i]!, headers[i + 1]!)
  }
  const ttl = Math.floor((freshUntil - now) / 1000)
  told.push('age', String(Math.floor((now - at + age) / 1000)), 'cache-status', `sluice; hit; ttl=${ttl}`, 'via', VIA)
  if (known) {
    res.writeHead(304, told)
    res.end()
    return
  }
  if (status !== 204) told.push('content-length', String(body.length))
  res.writeHead(status, told)
  res.end(req.method === 'HEAD' ? undefined : body)
}

/** By the weak comparison, as `if-none-match` has it. */
function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined || header.length > 4096) return false
  const bare = (tag: string): string => tag.trim().replace(/^W\//, '')
  return header.trim() === '*' || header.split(',').some((tag) => bare(tag) === bare(etag))
}
