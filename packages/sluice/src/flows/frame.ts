import type { Instant } from '../ground/index.ts'

/**
 * How messages look on the wire. Readers that share a format share the bytes: make one, once, and give it to all of them.
 */
export interface Format<T> {
  /**
   * A string goes as UTF-8, over a WebSocket as a text message; bytes over a WebSocket as a binary one.
   * @throws RangeError for a message that cannot be said in it
   */
  encode(message: T): string | Uint8Array
}

/** A message, encoded once for everybody who reads it. */
export interface Frame<T> {
  readonly message: T
  readonly bytes: Uint8Array
  /** It was a string. */
  readonly text: boolean
  /** When it was made. */
  readonly at: Instant
}

const encoder = new TextEncoder()
/** Node's sockets and `ws` would wrap anything else in a `Buffer`, for each reader anew. Elsewhere there is none. */
const utf8 =
  typeof Buffer === 'undefined' ? (text: string): Uint8Array => encoder.encode(text) : Buffer.from.bind(Buffer)

export function frame<T>(format: Format<T>, message: T, at: Instant): Frame<T> {
  const encoded = format.encode(message)
  if (typeof encoded !== 'string') return { message, bytes: encoded, text: false, at }
  return { message, bytes: utf8(encoded), text: true, at }
}
