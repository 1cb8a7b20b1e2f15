import { checkOptions, type Millis } from '../ground/index.ts'
import { BoundedReader } from './bounded-reader.ts'
import type { Format } from './frame.ts'
import { HttpLine, type HttpTarget } from './http-line.ts'
import type { Reader, ReaderOptions } from './reader.ts'
import { encodeSse, sseFormat, type SseMessage } from './sse-format.ts'

export interface SseOptions<T> extends ReaderOptions<T> {
  /** How messages become events. Readers that share it share the bytes. Default: messages are events. */
  readonly format?: Format<T>
  /** How long nothing may be sent before a comment is, in ms, so that proxies keep the connection. Default 15,000. */
  readonly heartbeat?: Millis
  /** How long the browser is to wait before it comes back, in ms. Default: its own choice, some 3 s. */
  readonly retry?: Millis
  /** The last id the browser has seen. Default: the `last-event-id` of the request the response belongs to. */
  readonly lastEventId?: string
  /**
   * Called at once for a browser that comes back: what it has missed since. Sent before all else, however much it is, and
   * asked for at the pace of the browser: a generator makes no more than is read.
   */
  readonly resume?: (lastEventId: string) => Iterable<T>
}

/** The head of a response that is a stream of events. No proxy may store it, or hold it back until it is long enough. */
export const SSE_HEADERS: Readonly<Record<string, string>> = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
}

const HEART: Uint8Array = new TextEncoder().encode(':\n\n')

/**
 * A reader of server-sent events. Writes the head of a response that has none yet. A reader that is disconnected gets an
 * event `disconnect` with `{"reason":…}`, and the end.
 * @param target a response of node:http or http2, or any stream of bytes, Node's or the web's
 * @throws RangeError for an option out of range
 */
export function sse(target: HttpTarget, options: SseOptions<SseMessage>): Reader<SseMessage>
export function sse<T>(target: HttpTarget, options: SseOptions<T> & { readonly format: Format<T> }): Reader<T>
export function sse<T>(target: HttpTarget, options: SseOptions<T>): Reader<T> {
  const { retry, resume, heartbeat = 15_000 } = checkOptions('sse', options)
  const opening = retry !== undefined && { opening: bytesOf(encodeSse({ retry })) }
  const reader = new BoundedReader<T>(
    {
      name: 'sse',
      format: options.format ?? (sseFormat() as Format<T>),
      heartbeat,
      line: (gone) => new HttpLine({ target, headers: SSE_HEADERS, heart: HEART, farewell, ...opening }, gone),
    },
    options,
  )
  const lastEventId = options.lastEventId ?? lastEventIdOf(target)
  if (resume !== undefined && lastEventId !== undefined && !reader.closed) reader.replay(resume(lastEventId))
  return reader
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

function farewell(reason: string): Uint8Array {
  return bytesOf(encodeSse({ event: 'disconnect', data: { reason } }))
}

function lastEventIdOf(target: HttpTarget): string | undefined {
  const id = 'req' in target ? target.req?.headers['last-event-id'] : undefined
  return typeof id === 'string' ? id : undefined
}
