import { RawBlock } from './raw-block.ts'
import { readTrailers } from './raw-head.ts'

/** Of the extensions of one body together, in bytes. Nobody is known to use any. */
const MOST_EXTENSIONS = 4096
/** 52 bits: beyond that numbers are not exact. */
const MOST_DIGITS = 13

const TOKEN = "[!#$%&'*+\\-.^_`|~\\dA-Za-z]+"
const EXTENSIONS = new RegExp(`^(?:;${TOKEN}(?:=(?:${TOKEN}|"[\\t \\x21\\x23-\\x5b\\x5d-\\x7e]*"))?)+$`)

const [LF, CR, SEMICOLON] = [10, 13, 59]

type Part = 'size' | 'extension' | 'size end' | 'data' | 'data end' | 'trailers'

/** Takes the chunked coding (RFC 9112 §7.1) off a body. Extensions are read strictly and dropped. */
export class RawChunks {
  done = false
  flaw: string | undefined
  /** What followed the body, names and values in turn; `undefined`: nothing. */
  trailers: readonly string[] | undefined
  #part: Part = 'size'
  #left = 0
  #digits = 0
  #extension = ''
  #extensions = 0
  #gotCR = false
  readonly #block = new RawBlock()

  reset(): void {
    this.done = false
    this.flaw = undefined
    this.trailers = undefined
    this.#extensions = 0
    this.#begin()
  }

  /**
   * Takes from `at` on until there is data, an end or a flaw.
   * @returns where it stopped: `data` bytes from there on are data, and to be skipped by the caller
   */
  take(chunk: Buffer, at: number): number {
    while (at < chunk.length && this.#part !== 'data' && !this.done && this.flaw === undefined)
      at = this.#part === 'trailers' ? this.#takeTrailers(chunk, at) : this.#takeByte(chunk[at]!, at)
    return at
  }

  /** How much of the next `available` bytes is data; counted as taken. */
  data(available: number): number {
    if (this.#part !== 'data') return 0
    const taken = Math.min(available, this.#left)
    this.#left -= taken
    if (this.#left === 0) this.#part = 'data end'
    return taken
  }

  #begin(): void {
    this.#part = 'size'
    this.#left = 0
    this.#digits = 0
    this.#extension = ''
    this.#gotCR = false
  }

  #takeByte(byte: number, at: number): number {
    switch (this.#part) {
      case 'size':
        this.#takeSize(byte)
        break
      case 'extension':
        this.#takeExtension(byte)
        break
      case 'size end':
        if (byte !== LF) this.flaw = 'bad end of a chunk size'
        else if (this.#left > 0) this.#part = 'data'
        else {
          this.#part = 'trailers'
          this.#block.reset('\r\n')
        }
        break
      default:
        if (byte !== (this.#gotCR ? LF : CR)) this.flaw = 'chunk longer than its size'
        else if (this.#gotCR) this.#begin()
        else this.#gotCR = true
    }
    return at + 1
  }

  #takeSize(byte: number): void {
    const digit = digitOf(byte)
    if (digit >= 0) {
      this.#left = this.#left * 16 + digit
      if (++this.#digits > MOST_DIGITS) this.flaw = 'chunk size too large'
    } else if (this.#digits > 0 && byte === CR) this.#part = 'size end'
    else if (this.#digits > 0 && byte === SEMICOLON) {
      this.#part = 'extension'
      this.#takeExtension(byte)
    } else this.flaw = 'bad chunk size'
  }

  #takeExtension(byte: number): void {
    if (byte === CR) {
      if (EXTENSIONS.test(this.#extension)) this.#part = 'size end'
      else this.flaw = 'bad chunk extension'
    } else if (++this.#extensions > MOST_EXTENSIONS) this.flaw = 'too many chunk extensions'
    else this.#extension += String.fromCharCode(byte)
  }

  #takeTrailers(chunk: Buffer, at: number): number {
    const block = this.#block
    const end = block.take(chunk, at)
    this.flaw = block.flaw
    if (!block.complete) return end
    const read = block.text === '\r\n\r\n' ? undefined : readTrailers(block.text)
    if (typeof read === 'string') this.flaw = read
    else {
      this.trailers = read
      this.done = true
    }
    return end
  }
}

function digitOf(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48
  const lower = byte | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}
