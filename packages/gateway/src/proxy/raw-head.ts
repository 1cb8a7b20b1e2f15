import { MOST_HEADERS } from './screen.ts'

/** What the head of a response says. */
export interface RawHead {
  readonly status: number
  readonly reason: string
  /** Names and values in turn. */
  readonly headers: readonly string[]
  /** Of the body in bytes; `undefined` where none is named. */
  readonly length: number | undefined
  readonly chunked: boolean
  /** True when the connection may carry another request, as far as the head says. */
  readonly kept: boolean
  /** For how long it says that it keeps an idle connection, in seconds; `undefined` where it does not. */
  readonly keptFor: number | undefined
}

const [TAB, LF, CR, SPACE, ZERO, COLON] = [9, 10, 13, 32, 48, 58]
const TOKEN = 1
const TEXT = 2

/** What a byte may be part of: names (RFC 9110 §5.6.2), values (§5.5), or neither. */
const KIND: Uint8Array = Uint8Array.from({ length: 256 }, (_, code) => {
  const token = /[!#$%&'*+\-.^_`|~\dA-Za-z]/.test(String.fromCharCode(code)) ? TOKEN : 0
  return token | (code === TAB || (code >= SPACE && code !== 127) ? TEXT : 0)
})

/** True for a name of a header or method. */
export function isToken(text: string): boolean {
  return text !== '' && isAll(text, TOKEN)
}

/** True for what may be the value of a header: no control character but the tab, nothing beyond latin1. */
export function isText(text: string): boolean {
  return isAll(text, TEXT)
}

/** True for what may be a target: neither spaces nor control characters, nothing beyond latin1. */
export function isTarget(text: string): boolean {
  return text.charCodeAt(0) === 47 && isAll(text, TEXT) && !text.includes(' ') && !text.includes('\t')
}

function isAll(text: string, kind: number): boolean {
  for (let at = 0; at < text.length; at++) if ((KIND[text.charCodeAt(at)]! & kind) === 0) return false
  return true
}

/**
 * Reads a head as RFC 9112 has it and no other way: what one reader takes for one thing and the next for another is the
 * stuff of smuggled responses, so that every leniency the RFC allows is a flaw here.
 * @param text from the status line to the empty line, which ends it
 * @returns why it cannot be read, where it cannot
 */
export function readHead(text: string): RawHead | string {
  // HTTP/1.1 200 OK: no other version, no other spacing.
  const minor = text.charCodeAt(7) - ZERO
  if (!text.startsWith('HTTP/1.') || (minor !== 0 && minor !== 1) || text.charCodeAt(8) !== SPACE)
    return 'bad status line'
  const status = statusAt(text, 9)
  if (status < 100) return 'bad status'
  let end = 12
  if (text.charCodeAt(end) === SPACE)
    do end++
    while ((KIND[text.charCodeAt(end)]! & TEXT) !== 0)
  if (text.charCodeAt(end) !== CR || text.charCodeAt(end + 1) !== LF) return 'bad reason'
  const fields = new Fields(minor === 1)
  const flaw = readFields(text, end + 2, fields)
  if (flaw !== undefined) return flaw
  if (fields.chunked && (fields.length !== undefined || minor === 0)) return 'two framings'
  return {
    status,
    reason: text.slice(13, end),
    headers: fields.headers,
    length: fields.length,
    chunked: fields.chunked,
    kept: fields.kept,
    keptFor: fields.keptFor,
  }
}

/**
 * Reads trailers, as strictly as a head.
 * @param text an empty line, trailers, an empty line
 * @returns names and values in turn, or why they cannot be read
 */
export function readTrailers(text: string): readonly string[] | string {
  const fields = new Fields(true)
  const flaw = readFields(text, 2, fields)
  return flaw ?? (fields.chunked || fields.length !== undefined ? 'framing in a trailer' : fields.headers)
}

function statusAt(text: string, at: number): number {
  let status = 0
  for (let end = at + 3; at < end; at++) {
    const digit = text.charCodeAt(at) - ZERO
    if (!(digit >= 0 && digit <= 9)) return 0
    status = status * 10 + digit
  }
  return status
}

function readFields(text: string, at: number, fields: Fields): string | undefined {
  while (text.charCodeAt(at) !== CR) {
    const start = at
    while ((KIND[text.charCodeAt(at)]! & TOKEN) !== 0) at++
    // A space before the colon and a folded line end here too.
    if (at === start || text.charCodeAt(at) !== COLON) return 'bad header name'
    const name = text.slice(start, at)
    do at++
    while (isBlank(text.charCodeAt(at)))
    const from = at
    while ((KIND[text.charCodeAt(at)]! & TEXT) !== 0) at++
    if (text.charCodeAt(at) !== CR || text.charCodeAt(at + 1) !== LF) return 'bad header value'
    let to = at
    while (to > from && isBlank(text.charCodeAt(to - 1))) to--
    const flaw = fields.add(name, text.slice(from, to), to < at && text.slice(to, at).includes('\t'))
    if (flaw !== undefined) return flaw
    at += 2
  }
  return at + 2 === text.length ? undefined : 'bad end of head'
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB
}

/** The header lines of one head, and what they say about its framing and its connection. */
class Fields {
  readonly headers: string[] = []
  length: number | undefined
  chunked = false
  kept: boolean
  keptFor: number | undefined
  #closes = false

  constructor(kept: boolean) {
    this.kept = kept
  }

  /** @returns why this line may not be there, if it may not */
  add(name: string, value: string, tabAfter: boolean): string | undefined {
    if (this.headers.push(name, value) > 2 * MOST_HEADERS) return 'too many headers'
    switch (name.length) {
      case 10:
        this.#addConnection(name.toLowerCase(), value)
        return undefined
      case 14:
        return name.toLowerCase() === 'content-length' ? this.#addLength(value, tabAfter) : undefined
      case 17:
        return name.toLowerCase() === 'transfer-encoding' ? this.#addCoding(value, tabAfter) : undefined
    }
    return undefined
  }

  #addConnection(name: string, value: string): void {
    if (name === 'keep-alive') {
      const told = /(?:^|[,\s])timeout=(\d{1,9})(?:$|[,\s])/i.exec(value)
      if (told !== null) this.keptFor = Number(told[1])
    } else if (name === 'connection')
      for (const part of value.split(',')) {
        const option = part.trim().toLowerCase()
        if (option === 'close') this.#closes = true
        if (option === 'keep-alive') this.kept = true
        if (this.#closes) this.kept = false
      }
  }

  #addLength(value: string, tabAfter: boolean): string | undefined {
    if (this.length !== undefined) return 'two content-lengths'
    this.length = Number(value)
    // Number() alone would take +3, 0x3 and 3e0.
    if (tabAfter || !/^\d{1,15}$/.test(value)) return 'bad content-length'
    return undefined
  }

  #addCoding(value: string, tabAfter: boolean): string | undefined {
    if (this.chunked || tabAfter || value.toLowerCase() !== 'chunked') return 'bad transfer-encoding'
    this.chunked = true
    return undefined
  }
}
