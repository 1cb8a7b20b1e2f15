import type { ServerResponse } from 'node:http'
import type { Clock, Timer } from 'sluice'
import type { LlmReaderConfig } from '../config/index.ts'
import { endWhole } from '../proxy/index.ts'

/** With more than this on its way out no more is let in, in bytes: what is read at once is twice as much. */
const PAUSE = 32_768

/** A first piece up to this, in bytes, is held until it is known whether it is all there is. */
const SMALL = 16_384

/** Where what flows out comes from. */
export interface Inflow {
  pause(): void
  resume(): void
  /** The reader takes nothing, or too little: it is to be cut off. */
  stalled(reason: string): void
}

/**
 * An answer on its way to a client that may be slow. What waits for it is bounded: the source is paused and, where the
 * client takes nothing for a time, the client is cut off. To leave tokens out, or to merge them, would be another answer:
 * what stands in the middle of a text cannot be dropped, and what comes in one piece was written in one piece by its server.
 */
export class Outflow {
  readonly #res: ServerResponse
  readonly #config: LlmReaderConfig
  readonly #clock: Clock
  readonly #inflow: Inflow
  #timer: Timer | undefined
  #taken = 0
  /** The first piece, as long as it is held. */
  #first: Uint8Array | undefined
  #hasBegun = false

  constructor(res: ServerResponse, config: LlmReaderConfig, clock: Clock, inflow: Inflow) {
    this.#res = res
    this.#config = config
    this.#clock = clock
    this.#inflow = inflow
  }

  /** A first piece is kept as it is, and not copied, until `begin` or `end`. */
  write(chunk: Uint8Array): void {
    if (!this.#hasBegun && this.#first === undefined && chunk.length <= SMALL) {
      this.#first = chunk
      return
    }
    this.begin()
    this.#write(chunk)
  }

  /** Sends the head, with the first piece where it has come along with it. */
  begin(): void {
    if (this.#hasBegun) return
    this.#hasBegun = true
    const first = this.#first
    this.#first = undefined
    if (first === undefined) this.#res.flushHeaders()
    else this.#write(first)
  }

  /** That was all. */
  end(): void {
    const first = this.#first
    this.#first = undefined
    this.#hasBegun = true
    if (first === undefined) this.#res.end()
    else endWhole(this.#res, first)
  }

  #write(chunk: Uint8Array): void {
    this.#res.write(chunk, this.#flushed)
    const waits = this.#res.writableLength
    if (waits <= PAUSE) return
    const { policy, bytes } = this.#config
    if (policy === 'wait') this.#inflow.pause()
    else if (waits > bytes) return this.#inflow.stalled(`more than ${bytes} bytes wait for the client`)
    if (this.#timer === undefined) this.#watch()
  }

  readonly #flushed = (): void => {
    if (this.#timer === undefined || this.#res.writableLength > PAUSE) return
    this.stop()
    this.#inflow.resume()
  }

  /** Looks no more. */
  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #watch(): void {
    const { socket } = this.#res
    this.#taken = socket === null ? 0 : socket.bytesWritten - socket.writableLength
    this.#timer = this.#clock.after(this.#config.stall, () => this.#look(), { background: true })
  }

  #look(): void {
    const { socket } = this.#res
    const taken = socket === null ? 0 : socket.bytesWritten - socket.writableLength
    if (taken > this.#taken) return this.#watch()
    this.#timer = undefined
    this.#inflow.stalled(`the client has taken nothing for ${this.#config.stall} ms`)
  }
}
