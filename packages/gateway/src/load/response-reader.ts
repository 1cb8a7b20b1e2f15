import type { Reply } from './load.ts'

/** More than any sane head; a target that sends more is not speaking HTTP. */
const LONGEST_HEAD = 64 * 1024
/** Enough for the reason of a refusal. */
const LONGEST_BODY = 4096

type Part = 'head' | 'sized' | 'size line' | 'chunk' | 'chunk end' | 'trailer' | 'until close' | 'done'

/**
 * Reads HTTP/1.1 responses off one connection, one at a time. It keeps the head and, of answers that are no success,
 * the body: at thousands of answers a second a load generator can afford no more.
 */
export class ResponseReader implements Reply {
  status = 0
  body = ''
  /** False when the connection cannot carry another request. */
  reusable = true

  readonly #bodiless: boolean
  #part: Part = 'head'
  #head = ''
  /** The head in lower case, of the same length: where the names are found. */
  #lower = ''
  /** A line or head that has not ended yet. */
  #pending = ''
  #remaining = 0

  /** @param method of the requests: an answer to HEAD announces a body and has none */
  constructor(method: string) {
    this.#bodiless = method === 'HEAD'
  }

  header(name: string): string | undefined {
    const at = this.#lower.indexOf(`\r\n${name}:`)
    if (at < 0) return undefined
    const from = at + name.length + 3
    const end = this.#lower.indexOf('\r\n', from)
    return this.#head.slice(from, end < 0 ? undefined : end).trim()
  }

  /** Gets ready for the next response. */
  reset(): void {
    this.#part = 'head'
    this.#pending = ''
    this.status = 0
    this.body = ''
  }

  /**
   * Takes what arrived; true when the response is complete.
   * @throws Error when it is not HTTP
   */
  push(chunk: Buffer): boolean {
    let at = 0
    while (at < chunk.length && this.#part !== 'done') at = this.#take(chunk, at)
    // Bytes nobody asked for: whatever they are, they are not the next answer.
    if (at < chunk.length) this.reusable = false
    return this.#part === 'done'
  }

  /** The connection ended; true when that completes the response. */
  end(): boolean {
    return this.#part === 'until close'
  }

  #take(chunk: Buffer, at: number): number {
    switch (this.#part) {
      case 'head':
        return this.#takeHead(chunk, at)
      case 'sized':
      case 'chunk':
        return this.#takeBody(chunk, at)
      case 'until close':
        this.#keep(chunk, at, chunk.length)
        return chunk.length
      default:
        return this.#takeLine(chunk, at)
    }
  }

  #takeHead(chunk: Buffer, at: number): number {
    const before = this.#pending.length
    this.#pending += chunk.toString('latin1', at)
    const end = this.#pending.indexOf('\r\n\r\n', Math.max(0, before - 3))
    if (end < 0) {
      if (this.#pending.length > LONGEST_HEAD) throw new Error('response head is too long')
      return chunk.length
    }
    this.#head = this.#pending.slice(0, end)
    this.#lower = this.#head.toLowerCase()
    this.#pending = ''
    this.#openBody()
    return at + end + 4 - before
  }

  #openBody(): void {
    if (!this.#lower.startsWith('http/1.')) throw new Error('response is not HTTP/1')
    const status = Number(this.#head.slice(9, 12))
    if (!(status >= 100 && status <= 599)) throw new Error('response has no status')
    // 100 and 103 come before the answer.
    if (status < 200) return
    this.status = status
    const connection = this.header('connection')?.toLowerCase()
    if (connection === 'close' || (this.#lower.startsWith('http/1.0') && connection !== 'keep-alive'))
      this.reusable = false
    if (this.#bodiless || status === 204 || status === 304) {
      this.#part = 'done'
    } else if (this.header('transfer-encoding')?.toLowerCase().endsWith('chunked') === true) {
      this.#part = 'size line'
    } else {
      const length = this.header('content-length')
      this.#remaining = Number(length)
      if (length === undefined) {
        this.#part = 'until close'
        this.reusable = false
      } else if (Number.isSafeInteger(this.#remaining) && this.#remaining >= 0) {
        this.#part = this.#remaining === 0 ? 'done' : 'sized'
      } else {
        throw new Error('response has a bad content-length')
      }
    }
  }

  #takeBody(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#remaining)
    this.#keep(chunk, at, end)
    this.#remaining -= end - at
    if (this.#remaining === 0) this.#part = this.#part === 'sized' ? 'done' : 'chunk end'
    return end
  }

  #takeLine(chunk: Buffer, at: number): number {
    const end = chunk.indexOf(10, at)
    this.#pending += chunk.toString('latin1', at, end < 0 ? chunk.length : end)
    if (this.#pending.length > LONGEST_HEAD) throw new Error('response line is too long')
    if (end < 0) return chunk.length
    const line = this.#pending.trim()
    this.#pending = ''
    if (this.#part === 'size line') {
      if (!/^[0-9a-f]+/i.test(line)) throw new Error('response has a bad chunk size')
      this.#remaining = Number.parseInt(line, 16)
      this.#part = this.#remaining === 0 ? 'trailer' : 'chunk'
    } else if (this.#part === 'chunk end') {
      this.#part = 'size line'
    } else if (line === '') {
      this.#part = 'done'
    }
    return end + 1
  }

  #keep(chunk: Buffer, from: number, to: number): void {
    if (this.status < 400 || this.body.length >= LONGEST_BODY) return
    this.body += chunk.toString('latin1', from, Math.min(to, from + LONGEST_BODY - this.body.length))
  }
}
