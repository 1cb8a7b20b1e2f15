import type { Clock, Millis } from '../ground/index.ts'
import type { PushAnswer } from '../stream/index.ts'
import type { Format, Frame } from './frame.ts'

/**
 * What becomes of messages for a reader who is slower than they come. `block`: the producer waits. `coalesce`: a newer
 * one takes the place of the one about the same. `drop-oldest`. `disconnect`: the reader is told why, and has to go.
 */
export type LagPolicy = 'block' | 'coalesce' | 'drop-oldest' | 'disconnect'

/**
 * Why a message does not reach the reader: pushed out by newer ones; replaced by a newer one about the same; larger than
 * `maxBytes`; no room under `block`; waiting when the reader was disconnected, or left; come when it was over.
 */
export type LossReason = 'oldest' | 'coalesced' | 'too-large' | 'full' | 'disconnected' | 'left' | 'closed'

/** How it ended: everything was written, the reader left, or it was disconnected; and why. */
export interface ReaderEnd {
  readonly how: 'finished' | 'left' | 'disconnected'
  /** What the stream said, or the reason of the disconnection. */
  readonly reason: unknown
}

/** A reading. `pushed` is always the sum of `sent`, `waiting`, `senders` and all that was dropped. */
export interface ReaderStats {
  /** Messages handed in, whatever became of them. */
  readonly pushed: number
  /** Messages handed to the socket. */
  readonly sent: number
  /** Messages that wait for the socket. */
  readonly waiting: number
  readonly waitingBytes: number
  /** Messages whose producers wait for room. */
  readonly senders: number
  readonly dropped: Readonly<Record<LossReason, number>>
  /** Bytes handed to the socket that have not reached the kernel. */
  readonly held: number
  /** How old the oldest message is that waits for the socket, in ms; 0 when none does. */
  readonly lag: Millis
}

export interface ReaderOptions<T> {
  /** What becomes of messages when it lags behind. There is no default, as none would be right. */
  readonly policy: LagPolicy
  /** How many messages may wait. A whole number from 1 to 1,048,576. Default 64. */
  readonly capacity?: number
  /** How many bytes may wait. A larger message is refused. A whole number of at least 1. Default 1 MiB. */
  readonly maxBytes?: number
  /** Under `coalesce`: what a message is about. Default: all are about the same. */
  readonly key?: (message: T) => unknown
  /** Under `coalesce`: what a waiting message and a newer one about the same become. Default: the newer one. */
  readonly merge?: (waiting: T, message: T) => T
  /** How long the socket may take nothing while messages are ready, in ms, before the reader is disconnected. Default 60,000. */
  readonly maxStall?: Millis
  /** How long a reader that was disconnected may take to read what it was told, in ms, before it is cut. Default 5,000. */
  readonly grace?: Millis
  /** Receives every message that does not reach the reader. What was merged lives on in what replaced it. */
  readonly onDrop?: (message: T, reason: LossReason) => void
  /** Called once, at the end. */
  readonly onEnd?: (end: ReaderEnd) => void
  /** For people and refusals. Default: the name of the protocol. */
  readonly name?: string
  readonly clock?: Clock
}

/**
 * A bounded buffer in front of one reader's socket. What is handed to the socket is bounded too: nothing more is handed
 * over while it asks to wait.
 */
export interface Reader<T> {
  readonly name: string
  readonly policy: LagPolicy
  readonly format: Format<T>
  readonly stats: ReaderStats
  /** Aborted as soon as it is over without being finished, with the reason. Made when first asked for. */
  readonly signal: AbortSignal
  /** Takes no more. */
  readonly closed: boolean
  /**
   * Hands a message in, without waiting. `ok`: the socket has it. `pause`: it waits, or something was dropped for it.
   * `reject`: it will not reach the reader, which `onDrop` was told; under `block` also when there is no room.
   * @throws what the format says of a message it cannot encode
   */
  push(message: T): PushAnswer
  /**
   * Hands a message in. Under `block` answers a promise while there is no room; in order, first come first served.
   * Rejects with a `RejectedError` where `push` answers `reject`, and with the reason of the end where there is no room
   * any more. A rejection nobody waits for is no unhandled one.
   */
  send(message: T): Promise<void> | undefined
  /** `push` of what was encoded before, in the format of this reader: what a hub does. */
  offer(frame: Frame<T>): PushAnswer
  /** Takes no more; ends when all that waits was written. Rejects when the reader leaves before that. */
  end(): Promise<void>
  /**
   * Ends without what waits, and tells the reader why as far as its protocol can.
   * @param code of a WebSocket's close frame. Default 1013, try again later
   */
  disconnect(reason?: string, code?: number): void
  /** Calls `listener` at the end, at once when that is past, unless the result is disposed before. */
  onEnd(listener: (end: ReaderEnd) => void): Disposable
}
