/**
 * WebSockets of the package `ws`, each behind a bounded buffer of its own.
 * @module
 */
import { checkOptions, checkWhole, refuseValue, type Millis } from '../ground/index.ts'
import { BoundedReader } from './bounded-reader.ts'
import type { Format } from './frame.ts'
import type { Reader, ReaderOptions } from './reader.ts'
import { jsonOf } from './sse-format.ts'
import { OPEN, WsLine, type WebSocketLike } from './ws-line.ts'

export type { WebSocketLike } from './ws-line.ts'
export { stream, type StreamEnd, type StreamOptions } from './stream.ts'
export { hub, type Hub, type HubOptions, type HubStats } from './hub.ts'
export type { Format, Frame } from './frame.ts'
export type { LagPolicy, LossReason, Reader, ReaderEnd, ReaderOptions, ReaderStats } from './reader.ts'
export { DisconnectedError } from './disconnected-error.ts'

/** Text as text, bytes as bytes, anything else as JSON. */
export type WsMessage = string | Uint8Array | object | number | boolean | null

export interface WsOptions<T> extends ReaderOptions<T> {
  /** How messages look. Readers that share it share the bytes. Default: text, bytes, or JSON. */
  readonly format?: Format<T>
  /**
   * From how many bytes in the socket on nothing more is handed to it. It then holds one message more than that, at most.
   * A whole number of at least 1. Default 65,536.
   */
  readonly maxHeld?: number
  /**
   * How long nothing may be sent before a ping is, in ms. A reader that has not answered by the next one is cut.
   * Default 30,000.
   */
  readonly heartbeat?: Millis
  /** Compresses each message for each reader, where that was negotiated. Costs memory and time for each. Default false. */
  readonly compress?: boolean
}

/** How messages look over a WebSocket, unless said otherwise. */
export const WS_FORMAT: Format<unknown> = {
  encode: (message) =>
    typeof message === 'string' || message instanceof Uint8Array ? message : jsonOf('websocket.message', message),
}

/**
 * A reader behind a WebSocket. One that is disconnected gets a close frame with code 1013 and the reason, unless another
 * code is said, and is cut when it has not answered within `grace`.
 * @param socket open, or closed already: one that is connecting takes no messages yet
 * @throws RangeError for an option out of range, and for a socket that is connecting
 */
export function websocket<T = WsMessage>(socket: WebSocketLike, options: WsOptions<T>): Reader<T> {
  const { heartbeat = 30_000, compress = false } = checkOptions('websocket', options)
  if (socket.readyState < OPEN) refuseValue('websocket.socket', socket.readyState, 'one that is open (readyState 1)')
  const maxHeld = checkWhole('websocket.maxHeld', options.maxHeld ?? 65_536, 1)
  return new BoundedReader<T>(
    {
      name: 'websocket',
      format: options.format ?? WS_FORMAT,
      heartbeat,
      line: (gone) => new WsLine(socket, { maxHeld, compress }, gone),
    },
    options,
  )
}
