import { isHopByHop } from './hop-by-hop.ts'
import { isText, isToken } from './raw-head.ts'
import { isBelieved } from './request-headers.ts'

/**
 * Fields that say how a message is framed, routed, believed, kept or decoded: after its body they come too late for whoever
 * has judged it, and a reader that adds trailers to the headers would take them for what was judged (RFC 9110 §6.5.1).
 */
const HEADERS_ONLY: ReadonlySet<string> = new Set([
  'age',
  'authorization',
  'cache-control',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'cookie',
  'host',
  'location',
  'max-forwards',
  'pragma',
  'range',
  'set-cookie',
  'vary',
  'via',
  'www-authenticate',
])

const NONE: readonly string[] = []

/**
 * What of the trailers goes on, names and values in turn. An underscore is read as some servers do: as a dash.
 * @param headers those of the same message, where they are known: what they have said is not said once more
 */
export function trailersOf(raw: readonly string[] = NONE, headers: readonly string[] = NONE): readonly string[] {
  if (raw.length === 0) return NONE
  const said = new Set(headers.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase()))
  const kept: string[] = []
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]!
    const value = raw[at + 1]!
    const lower = name.toLowerCase().replaceAll('_', '-')
    if (isHopByHop(lower) || HEADERS_ONLY.has(lower) || isBelieved(lower) || said.has(lower)) continue
    if (isToken(name) && isText(value)) kept.push(name, value)
  }
  return kept
}
