import type { CacheConfig } from '../config/index.ts'
import { cacheControl, secondsOf } from './cache-control.ts'
import type { HeaderOf, KeptAnswer } from './response-cache.ts'

/** What a kept answer is without its body. */
export type Keeping = Omit<KeptAnswer, 'body'>

/** Statuses whose answers may be kept where they say for how long; the others are not understood well enough. */
const KEPT: ReadonlySet<number> = new Set([200, 203, 204, 300, 301, 308, 404, 410])

/** Depending on one of these an answer would depend on what the gateway itself puts there. */
const OURS: ReadonlySet<string> = new Set([
  'forwarded',
  'host',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
])

/** What is never given to somebody else, whatever a cache may. */
const PRIVATE: ReadonlySet<string> = new Set(['set-cookie', 'sluice-degraded', 'x-queue-wait-time', 'server-timing'])

export interface KeepingOptions {
  readonly config: CacheConfig
  /** Of the request. */
  readonly request: HeaderOf
  /** True where the request says who it is: by a cookie, a key, an authorization. */
  readonly shows: boolean
  readonly now: number
}

/**
 * Whether an answer may be kept in a shared cache, and for how long (RFC 9111 §3): it must say so itself, or be assumed
 * fresh by the configuration. What came to somebody who showed who they are is kept only where it is `public` or has
 * `s-maxage`; what is `no-store`, `no-cache`, `private` or sets a cookie, never. A `must-revalidate` answer is good while
 * it is fresh and not a moment longer.
 */
export function keepingOf(
  status: number,
  headers: readonly string[],
  { config, request, shows, now }: KeepingOptions,
): Keeping | undefined {
  if (!KEPT.has(status)) return undefined
  const header = headersIn(headers)
  if (header('set-cookie') !== undefined) return undefined
  const control = cacheControl(header('cache-control'))
  if (control.has('no-store') || control.has('private') || control.has('no-cache')) return undefined
  if (cacheControl(request('cache-control')).has('no-store')) return undefined
  const shared = secondsOf(control, 's-maxage')
  const forAll = control.has('public') || shared !== undefined
  if (shows && !forAll) return undefined
  const said = shared ?? secondsOf(control, 'max-age') ?? untilExpiry(header)
  const fresh = said ?? (shows ? 0 : config.assume)
  const age = Number(/^\d{1,9}$/.exec(header('age') ?? '')?.[0] ?? 0) * 1000
  const vary = varyOf(header('vary'))
  if (fresh - age <= 0 || vary === undefined) return undefined
  const strict = control.has('must-revalidate') || control.has('proxy-revalidate') || shared !== undefined
  return {
    status,
    headers: headers.filter(
      (_, i) => !PRIVATE.has(headers[i - (i % 2)]!.toLowerCase()) && headers[i - (i % 2)]!.toLowerCase() !== 'age',
    ),
    at: now,
    age,
    freshUntil: now + fresh - age,
    goodUntil: now + fresh - age + (strict ? 0 : config.stale),
    forAll,
    etag: header('etag'),
    vary: vary.map((name) => [name, request(name)] as const),
  }
}

/** Reads headers that are names and values in turn. */
export function headersIn(headers: readonly string[]): HeaderOf {
  return (name) => {
    let found: string | undefined
    for (let i = 0; i < headers.length; i += 2)
      if (headers[i]!.length === name.length && headers[i]!.toLowerCase() === name)
        found = found === undefined ? headers[i + 1]! : `${found}, ${headers[i + 1]!}`
    return found
  }
}

function untilExpiry(header: HeaderOf): number | undefined {
  const [expires, date] = [header('expires'), header('date')]
  if (expires === undefined) return undefined
  const until = Date.parse(expires) - Date.parse(date ?? '')
  // What cannot be read has expired (RFC 9111 §5.3).
  return Number.isNaN(until) ? 0 : Math.min(until, 31_536_000_000)
}

/** `undefined` where it depends on what cannot be known. */
function varyOf(header: string | undefined): readonly string[] | undefined {
  if (header === undefined) return []
  const names = header.split(',').map((name) => name.trim().toLowerCase())
  return names.length > 16 || names.some((name) => name === '*' || name === '' || OURS.has(name))
    ? undefined
    : names.sort()
}
