import type { RawConnection } from './raw-connection.ts'
import type { RawRequest } from './raw-request.ts'
import type { UpstreamFailure } from './upstream-failure.ts'
import { IDEMPOTENT, type UpstreamCall, type UpstreamReceiver, type UpstreamRequest } from './upstream.ts'

/** Who finds connections for calls. */
export interface RawSwitchboard {
  /** Sends it again, over a connection that is new. */
  again(call: RawCall): void
  /** It waits for a connection no longer. */
  forget(call: RawCall): void
}

/** A request on its way over one connection, or waiting for one. */
export class RawCall implements UpstreamCall {
  readonly request: UpstreamRequest
  readonly raw: RawRequest
  readonly receiver: UpstreamReceiver
  /** The tick of the switchboard in which its patience began. */
  since: number
  connection: RawConnection | undefined
  paused = false
  readonly #switchboard: RawSwitchboard
  #over = false
  #retried = false

  constructor(
    request: UpstreamRequest,
    raw: RawRequest,
    receiver: UpstreamReceiver,
    switchboard: RawSwitchboard,
    since: number,
  ) {
    this.request = request
    this.raw = raw
    this.receiver = receiver
    this.since = since
    this.#switchboard = switchboard
  }

  abort(): void {
    if (this.#over) return
    this.#over = true
    if (this.connection === undefined) this.#switchboard.forget(this)
    else this.connection.drop()
  }

  pause(): void {
    if (this.#over || this.paused) return
    this.paused = true
    this.connection?.pause()
  }

  resume(): void {
    if (this.#over || !this.paused) return
    this.paused = false
    this.connection?.resume()
  }

  /** Its answer is complete. */
  ended(trailers: readonly string[] | undefined): void {
    if (this.#over) return
    this.#over = true
    this.connection = undefined
    this.receiver.end(trailers)
  }

  /** Its connection is gone. @param untouched true where it had answered before, and not a byte of an answer had come */
  lost(failure: UpstreamFailure, untouched: boolean): void {
    if (this.#over) return
    this.connection = undefined
    const { body, method } = this.request
    if (untouched && !this.#retried && body === undefined && IDEMPOTENT.has(method)) {
      this.#retried = true
      this.#switchboard.again(this)
      return
    }
    this.#over = true
    this.receiver.failed(failure)
  }
}
