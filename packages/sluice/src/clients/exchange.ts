import { RejectedError, type Arrival, type Rejection } from '../ground/index.ts'
import type { Call, CallHost } from './call.ts'
import type { Outgoing } from './client-options.ts'
import { headerIn, withHeader, type HeaderList } from './header-list.ts'
import type { Outbound } from './outbound.ts'
import { Reins, type DispatchController, type Driven } from './reins.ts'

/** The slice of undici's `DispatchOptions` that is touched. */
export interface DispatchOptions {
  readonly origin?: string | { readonly origin: string }
  readonly path: string
  readonly method: string
  readonly headers?: HeaderList
  readonly body?: unknown
  /** Ours: what this request asks for, beside the options of the client. */
  readonly arrival?: Arrival
}

/** The slice of undici's `DispatchHandler` that is touched. */
export interface DispatchHandler {
  onRequestStart?(controller: DispatchController, context: unknown): void
  onRequestUpgrade?(controller: DispatchController, status: number, headers: ResponseHeaders, socket: never): void
  onResponseStarted?(): void
  onResponseStart?(controller: DispatchController, status: number, headers: ResponseHeaders, message?: string): void
  onResponseData?(controller: DispatchController, chunk: never): void
  onResponseEnd?(controller: DispatchController, trailers: ResponseHeaders): void
  onResponseError?(controller: DispatchController, error: Error): void
}

export type ResponseHeaders = Readonly<Record<string, string | string[] | undefined>>

export type Dispatch = (options: DispatchOptions, handler: DispatchHandler) => boolean

/** The slice of a stream that is touched when one is the body of a request. */
interface BodyStream {
  on(event: 'error', listener: (error: Error) => void): unknown
  off(event: 'error', listener: (error: Error) => void): unknown
}

/** One request through an undici dispatcher: stands between the caller's handler and the connection. */
export class Exchange implements DispatchHandler, CallHost, Driven, Outgoing {
  readonly #outbound: Outbound
  readonly #dispatch: Dispatch
  readonly #options: DispatchOptions
  readonly #handler: DispatchHandler
  readonly #reins: Reins = new Reins(this)
  readonly #context: Record<string, unknown> = {}
  #call: Call | undefined
  /** The caller has its answer, or does not want one. */
  #settled = false
  /** While {@link begin} runs: what `dispatch` throws is the caller's to catch. */
  #beginning = false
  #thrown: { readonly error: unknown } | undefined
  #sent = false
  #drained = true

  constructor(outbound: Outbound, dispatch: Dispatch, options: DispatchOptions, handler: DispatchHandler) {
    this.#outbound = outbound
    this.#dispatch = dispatch
    this.#options = options
    this.#handler = handler
  }

  get origin(): string {
    const { origin = '' } = this.#options
    return typeof origin === 'string' ? origin : origin.origin
  }

  get method(): string {
    return this.#options.method
  }

  header(name: string): string | undefined {
    return headerIn(this.#options.headers, name)
  }

  /** Asks to be sent. @param again true for a retry. Returns what `dispatch` does. */
  begin(again: boolean): boolean {
    // Told at once, not when there is a connection: or it could not leave while it waits.
    try {
      this.#handler.onRequestStart?.(this.#reins, this.#context)
    } catch (error) {
      // As undici has it: whoever fails as it begins hears of that, and not whoever dispatches.
      this.#fail(error as Error)
    }
    if (this.#settled) return true
    this.#beginning = true
    try {
      this.#outbound.ask(this, this, this.#options.arrival, again, (call) => (this.#call = call))
    } finally {
      this.#beginning = false
    }
    if (this.#thrown !== undefined) throw this.#thrown.error
    if (!this.#settled && !this.#sent) this.#minding()?.on('error', this.#bodyFailed)
    return this.#drained
  }

  admitted(): void {
    this.#sent = true
    try {
      this.#drained = this.#dispatch(this.#timed(), this)
      this.#minding()?.off('error', this.#bodyFailed)
    } catch (error) {
      // Nothing was sent.
      this.#call!.left()
      if (this.#beginning) this.#thrown = { error }
      else this.#fail(error as Error)
    }
  }

  refused(rejection: Rejection): void {
    this.#fail(new RejectedError(rejection))
  }

  expired(error: RejectedError): void {
    this.#stop(error)
  }

  aborted(reason: Error): void {
    this.#call?.left()
    this.#stop(reason ?? new DOMException('This operation was aborted', 'AbortError'))
  }

  onRequestStart(controller: DispatchController, context: unknown): void {
    this.#reins.target = controller
    if (this.#settled) return controller.abort(this.#reins.reason ?? new DOMException('Aborted', 'AbortError'))
    if (typeof context === 'object') Object.assign(this.#context, context)
  }

  onRequestUpgrade(_controller: DispatchController, status: number, headers: ResponseHeaders, socket: never): void {
    // What is a connection from now on is no request any more, and how long it lasts says nothing.
    this.#call!.left()
    this.#settled = true
    this.#handler.onRequestUpgrade?.(this.#reins, status, headers, socket)
  }

  onResponseStarted(): void {
    this.#handler.onResponseStarted?.()
  }

  onResponseStart(_controller: DispatchController, status: number, headers: ResponseHeaders, message?: string): void {
    if (this.#settled) return
    if (status >= 200) this.#call!.heard(status, (name) => one(headers[name]))
    this.#handler.onResponseStart?.(this.#reins, status, headers, message)
  }

  onResponseData(_controller: DispatchController, chunk: never): void {
    if (!this.#settled) this.#handler.onResponseData?.(this.#reins, chunk)
  }

  onResponseEnd(_controller: DispatchController, trailers: ResponseHeaders): void {
    this.#call!.ended()
    if (this.#settled) return
    this.#settled = true
    try {
      this.#handler.onResponseEnd?.(this.#reins, trailers)
    } catch (error) {
      // The connection makes an error of it, which is the handler's to hear: that is how `retry` begins again.
      this.#settled = false
      throw error
    }
  }

  onResponseError(_controller: DispatchController, error: Error): void {
    this.#call!.failed(error)
    this.#fail(error)
  }

  /** The request with the time that is left for it, where there is an end. */
  #timed(): DispatchOptions {
    const { deadline } = this.#call!
    const { deadlineHeader } = this.#outbound
    if (deadline === undefined || deadlineHeader === undefined) return this.#options
    const headers = withHeader(this.#options.headers, deadlineHeader, this.#outbound.timeLeft(deadline))
    return { ...this.#options, headers }
  }

  /** By way of the connection where there is one: it closes it, and tells us what to tell the caller. */
  #stop(reason: Error): void {
    const { target } = this.#reins
    if (target === undefined) this.#fail(reason)
    else target.abort(reason)
  }

  #fail(error: Error): void {
    if (this.#settled) return
    this.#settled = true
    this.#minding()?.off('error', this.#bodyFailed)
    this.#handler.onResponseError?.(this.#reins, error)
  }

  /** A stream that fails while nobody listens takes the process down; undici listens only from `dispatch` on. */
  #minding(): BodyStream | undefined {
    const { body } = this.#options
    const stream = body as BodyStream | null | undefined
    return typeof stream?.on === 'function' && typeof stream.off === 'function' ? stream : undefined
  }

  readonly #bodyFailed = (error: Error): void => {
    this.#call?.left()
    this.#fail(error)
  }
}

function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value
}
