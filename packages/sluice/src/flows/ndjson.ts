import { checkOptions } from '../ground/index.ts'
import { BoundedReader } from './bounded-reader.ts'
import type { Format } from './frame.ts'
import { HttpLine, type HttpTarget } from './http-line.ts'
import type { Reader, ReaderOptions } from './reader.ts'
import { jsonOf } from './sse-format.ts'

export interface NdjsonOptions<T> extends ReaderOptions<T> {
  /** How messages become lines. Readers that share it share the bytes. Default: each is a line of JSON. */
  readonly format?: Format<T>
}

/** A line of JSON for each message. JSON itself has no line breaks: inside strings they are escaped. */
export const NDJSON: Format<unknown> = { encode: (message) => `${jsonOf('ndjson.message', message)}\n` }

/** The head of a response that is a stream of lines of JSON. */
export const NDJSON_HEADERS: Readonly<Record<string, string>> = {
  'content-type': 'application/x-ndjson; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
}

const NOTHING = new Uint8Array()

/**
 * A reader of lines of JSON. Writes the head of a response that has none yet. A reader that is disconnected is cut: what
 * it has is not complete, and an end would say that it were.
 * @param target a response of node:http or http2, or any stream of bytes, Node's or the web's
 * @throws RangeError for an option out of range
 */
export function ndjson<T = unknown>(target: HttpTarget, options: NdjsonOptions<T>): Reader<T> {
  checkOptions('ndjson', options)
  return new BoundedReader<T>(
    {
      name: 'ndjson',
      format: options.format ?? NDJSON,
      heartbeat: Infinity,
      line: (gone) => new HttpLine({ target, headers: NDJSON_HEADERS, heart: NOTHING }, gone),
    },
    options,
  )
}
