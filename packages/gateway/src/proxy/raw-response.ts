import { RawBlock } from './raw-block.ts'
import { RawChunks } from './raw-chunks.ts'
import { readHead, type RawHead } from './raw-head.ts'

/** Before a final response; more is no conversation. */
const MOST_INFORMATIONAL = 32

/** Hears what is in a response. */
export interface RawListener {
  head(status: number, reason: string, headers: readonly string[]): void
  /** Part of the buffer that was read, from one index to another. */
  data(chunk: Buffer, from: number, to: number): void
}

type Part = 'head' | 'sized' | 'chunked' | 'until close' | 'over'

/**
 * Reads HTTP/1.1 responses off one connection, one at a time, at least as strictly as node:http does: the differential
 * test feeds both with the same bytes.
 */
export class RawResponse {
  /** Complete; what follows is not part of it. */
  done = false
  /** Why it is none; then nothing more is read. */
  flaw: string | undefined
  /** True once there was a byte of it. */
  heard = false
  /** True while there is only its body to come. */
  begun = false
  /** True when the connection may carry another request after it. */
  kept = false
  /** For how long the other side says that it keeps an idle connection, in seconds. */
  keptFor: number | undefined
  /** What followed its body, names and values in turn; `undefined`: nothing. */
  trailers: readonly string[] | undefined
  readonly #block = new RawBlock()
  readonly #chunks = new RawChunks()
  #part: Part = 'head'
  #left = 0
  #bodiless = false
  #informational = 0

  /** Gets ready for the next. @param bodiless true for the answer to HEAD, which announces a body and has none */
  expect(bodiless: boolean): void {
    this.done = this.heard = this.begun = this.kept = false
    this.flaw = undefined
    this.keptFor = undefined
    this.#bodiless = bodiless
    this.trailers = undefined
    this.#informational = 0
    this.#part = 'head'
    this.#block.reset()
  }

  /** Nobody listens any more: what is being taken at this moment ends here. */
  stop(): void {
    this.#part = 'over'
  }

  /** Takes what was read. @returns how much belonged to the response */
  take(chunk: Buffer, listener: RawListener): number {
    this.heard ||= chunk.length > 0
    let at = 0
    while (at < chunk.length && this.#part !== 'over') at = this.#takePart(chunk, at, listener)
    return at
  }

  /** The connection was ended in order; true when that completes the response. */
  close(): boolean {
    this.done ||= this.#part === 'until close'
    return this.done
  }

  #takePart(chunk: Buffer, at: number, listener: RawListener): number {
    switch (this.#part) {
      case 'head':
        return this.#takeHead(chunk, at, listener)
      case 'chunked':
        return this.#takeChunks(chunk, at, listener)
      case 'sized': {
        const end = Math.min(chunk.length, at + this.#left)
        this.#left -= end - at
        listener.data(chunk, at, end)
        if (this.#left === 0) this.#finish()
        return end
      }
      default:
        listener.data(chunk, at, chunk.length)
        return chunk.length
    }
  }

  #takeHead(chunk: Buffer, at: number, listener: RawListener): number {
    const block = this.#block
    const end = block.take(chunk, at)
    if (!block.complete) {
      if (!'HTTP/1.'.startsWith(block.text.slice(0, 7))) this.#fail('bad status line')
      else if (block.flaw !== undefined) this.#fail(block.flaw)
      return end
    }
    const head = readHead(block.text)
    if (typeof head === 'string') this.#fail(head)
    else if (head.status < 200) this.#skip(head)
    else this.#begin(head, listener)
    return end
  }

  #skip({ status, chunked, length, kept }: RawHead): void {
    if (status === 101) this.#fail('an upgrade nobody asked for')
    else if (!kept) this.#fail('an informational response that ends the connection')
    else if (chunked || length !== undefined) this.#fail('an informational response with a body')
    else if (++this.#informational > MOST_INFORMATIONAL) this.#fail('too many informational responses')
    else this.#block.reset()
  }

  #begin(head: RawHead, listener: RawListener): void {
    const { status, length, chunked } = head
    this.begun = true
    this.kept = head.kept
    this.keptFor = head.keptFor
    if (this.#bodiless || status === 204 || status === 304) {
      // Announced where there can be none, so it might come all the same: not before the next answer.
      if (status === 204 && (chunked || (length ?? 0) > 0)) this.kept = false
      this.#left = 0
      this.#part = 'sized'
    } else if (chunked) {
      this.#part = 'chunked'
      this.#chunks.reset()
    } else if (length === undefined) {
      this.#part = 'until close'
      this.kept = false
    } else {
      this.#part = 'sized'
      this.#left = length
    }
    listener.head(status, head.reason, head.headers)
    if (this.#part === 'sized' && this.#left === 0) this.#finish()
  }

  #takeChunks(chunk: Buffer, at: number, listener: RawListener): number {
    const chunks = this.#chunks
    const from = chunks.take(chunk, at)
    if (chunks.flaw !== undefined) this.#fail(chunks.flaw)
    else if (chunks.done) {
      this.trailers = chunks.trailers
      this.#finish()
    } else {
      const length = chunks.data(chunk.length - from)
      if (length > 0) listener.data(chunk, from, from + length)
      return from + length
    }
    return from
  }

  #finish(): void {
    // Stopped by whoever heard the last of it.
    if (this.#part === 'over') return
    this.#part = 'over'
    this.done = true
  }

  #fail(flaw: string): void {
    this.flaw = flaw
    this.#part = 'over'
  }
}
