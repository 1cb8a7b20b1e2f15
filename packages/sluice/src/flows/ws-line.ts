import type { Frame } from './frame.ts'
import type { Line, LineMaker } from './line.ts'
import { prematureClose } from './premature-close.ts'
import { Wait } from './wait.ts'

/** The slice of a `WebSocket` of the package `ws` that is used. */
export interface WebSocketLike {
  /** 1: open. */
  readonly readyState: number
  /** Bytes handed over that have not reached the kernel. */
  readonly bufferedAmount: number
  send(
    data: Uint8Array,
    options: { readonly binary: boolean; readonly compress: boolean },
    done: ((error?: Error) => void) | undefined,
  ): void
  ping(): void
  close(code?: number, reason?: string): void
  terminate(): void
  on(event: string, listener: (first: unknown) => void): unknown
  off(event: string, listener: (first: unknown) => void): unknown
}

export interface WsLineOptions {
  /** From how many bytes in the socket on nothing more is handed over. */
  readonly maxHeld: number
  readonly compress: boolean
}

export const OPEN = 1
/** A close frame holds a code of two bytes and 123 of reason. */
const LONGEST_REASON = 123
const TRY_AGAIN_LATER = 1013
const NORMAL = 1000

/** A {@link Line} over a WebSocket, which has no `drain`: what says that it wants more is the end of a `send`. */
export class WsLine<T> implements Line<T> {
  readonly #socket: WebSocketLike
  readonly #maxHeld: number
  readonly #text: { readonly binary: boolean; readonly compress: boolean }
  readonly #binary: { readonly binary: boolean; readonly compress: boolean }
  readonly #gone: Parameters<LineMaker<T>>[0]
  #failure: { readonly reason: unknown } | undefined
  #flushed: Wait | undefined
  #ended: Wait | undefined
  /** Sends whose end has not been told. */
  #sending = 0
  /** A ping is on its way that has not been answered. */
  #pinged = false

  constructor(socket: WebSocketLike, options: WsLineOptions, gone: Parameters<LineMaker<T>>[0]) {
    const { maxHeld, compress } = options
    this.#socket = socket
    this.#maxHeld = maxHeld
    this.#text = { binary: false, compress }
    this.#binary = { binary: true, compress }
    this.#gone = gone
    socket.on('error', this.#failed)
    socket.on('close', this.#closed)
    socket.on('pong', this.#answered)
    if (socket.readyState > OPEN) this.#closed()
  }

  get held(): number {
    return this.#socket.bufferedAmount
  }

  put(frame: Frame<T>): Promise<void> | undefined {
    const socket = this.#socket
    // Only a send that may have to be waited for asks to be told of its end.
    const full = socket.bufferedAmount + frame.bytes.length >= this.#maxHeld
    if (full) this.#sending++
    socket.send(frame.bytes, frame.text ? this.#text : this.#binary, full ? this.#sent : undefined)
    return this.#wait()
  }

  beat(): Promise<void> | undefined {
    // The last one was never answered: nobody is there, whatever TCP believes.
    if (this.#pinged) this.#socket.terminate()
    else if (this.#socket.readyState === OPEN) {
      this.#pinged = true
      this.#socket.ping()
    }
    return undefined
  }

  end(): Promise<void> {
    if (this.#ended === undefined) {
      this.#ended = new Wait()
      this.#socket.close(NORMAL)
    }
    return this.#ended.promise
  }

  part(reason: string, code: number = TRY_AGAIN_LATER): void {
    this.#socket.close(code, shortened(reason))
  }

  cut(): void {
    this.#socket.terminate()
  }

  #wait(): Promise<void> | undefined {
    if (this.#sending === 0 || this.#socket.bufferedAmount < this.#maxHeld) return undefined
    this.#flushed ??= new Wait()
    return this.#flushed.promise
  }

  readonly #sent = (): void => {
    this.#sending--
    // Others may send on the same socket: once nothing of ours is in it, it is not for us to wait.
    if (this.#sending > 0 && this.#socket.bufferedAmount >= this.#maxHeld) return
    const flushed = this.#flushed
    this.#flushed = undefined
    flushed?.resolve()
  }

  readonly #answered = (): void => {
    this.#pinged = false
  }

  readonly #failed = (error: unknown): void => {
    this.#failure ??= { reason: error }
  }

  /** Follows an error, too. */
  readonly #closed = (): void => {
    this.#socket.off('error', this.#failed)
    this.#socket.off('close', this.#closed)
    this.#socket.off('pong', this.#answered)
    const failure = this.#failure ?? (this.#ended === undefined ? { reason: prematureClose() } : undefined)
    if (failure === undefined) this.#ended?.resolve()
    else {
      this.#flushed?.reject(failure.reason)
      this.#ended?.reject(failure.reason)
    }
    this.#gone(failure)
  }
}

/** As much of it as a close frame holds, in whole characters. */
function shortened(reason: string): string {
  const encoder = new TextEncoder()
  const { read } = encoder.encodeInto(reason, new Uint8Array(LONGEST_REASON))
  return reason.slice(0, read)
}
