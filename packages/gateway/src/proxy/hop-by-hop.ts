/**
 * Headers that concern one connection, not the message (RFC 9110 §7.6.1), and those that frame it: framing is made
 * anew on either side. `te` and `trailer` are said anew where trailers can be passed on, `expect` is answered in front.
 */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'expect',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Naming one of these in `connection` would take away what the message itself needs. */
const NEVER_DROPPED: ReadonlySet<string> = new Set(['host', 'content-length'])

/** True for a header (in lower case) that never crosses the gateway. */
export function isHopByHop(name: string): boolean {
  return HOP_BY_HOP.has(name)
}

/** The headers, in lower case, that a `connection` header names, if any. */
export function namedByConnection(raw: readonly string[]): ReadonlySet<string> | undefined {
  let named: Set<string> | undefined
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!
    if (name.length !== 10 || name.toLowerCase() !== 'connection') continue
    const value = raw[i + 1]!.toLowerCase()
    // Nearly always one of these two, which name no header that would cross.
    if (value === 'keep-alive' || value === 'close') continue
    for (const part of value.split(',')) {
      const option = part.trim()
      if (option !== '' && !NEVER_DROPPED.has(option)) (named ??= new Set()).add(option)
    }
  }
  return named
}

/** True for a `te` header that says that trailers are read. */
export function takesTrailers(te: string | readonly string[] | undefined): boolean {
  return te !== undefined && /(?:^|,)[ \t]*trailers[ \t]*(?:,|$)/i.test(String(te))
}
