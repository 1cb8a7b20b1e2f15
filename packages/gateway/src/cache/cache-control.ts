/** A `cache-control` header in its directives, names in lower case; a bare one is the empty text. */
export type Directives = ReadonlyMap<string, string>

const NOTHING: Directives = new Map()
const DIRECTIVE = /([!#$%&'*+.^_`|~\w-]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([^\s,;"]*)))?/g

/** Reads it leniently: what cannot be read is as if it were not there. */
export function cacheControl(header: string | undefined): Directives {
  if (header === undefined || header.length > 4096) return NOTHING
  const found = new Map<string, string>()
  for (const [, name, quoted, bare] of header.matchAll(DIRECTIVE)) found.set(name!.toLowerCase(), quoted ?? bare ?? '')
  return found
}

/** Whole seconds of a directive, in ms; `undefined` where there are none. What is too long is a year. */
export function secondsOf(directives: Directives, name: string): number | undefined {
  const text = directives.get(name)
  if (text === undefined || !/^\d{1,12}$/.test(text)) return undefined
  return Math.min(Number(text), 31_536_000) * 1000
}
