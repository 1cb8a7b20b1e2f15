import {
  RejectedError,
  unwatchAbort,
  watchAbort,
  type AbortListener,
  type Arrival,
  type Rejection,
} from '../ground/index.ts'
import type { Call, CallHost } from './call.ts'
import type { Outgoing } from './client-options.ts'
import type { Outbound } from './outbound.ts'
import type { BodyHost } from './read-ahead.ts'
import { watchedResponse } from './watched-response.ts'

/** What a protected fetch takes beside what fetch does. */
export interface FetchArrival {
  /** What this request asks for, beside the options of the client. */
  readonly arrival?: Arrival
}

export type FetchInput = string | URL | Request
export type FetchInit = RequestInit & FetchArrival
export type PlainFetch = (input: FetchInput, init?: RequestInit) => Promise<Response>

/** One request through `fetch`: from the question whether to send it to the end of its body. */
export class FetchCall implements AbortListener, BodyHost, CallHost, Outgoing {
  readonly #outbound: Outbound
  readonly #fetch: PlainFetch
  readonly #input: FetchInput
  readonly #init: FetchInit | undefined
  // Let go of once used: they hold the response, and whoever forgets that must be found out.
  #resolve: ((response: Response) => void) | undefined
  #reject: ((reason: unknown) => void) | undefined
  #call: Call | undefined
  #controller: AbortController | undefined
  #headers: Headers | undefined
  #sent = false

  constructor(
    outbound: Outbound,
    fetch: PlainFetch,
    input: FetchInput,
    init: FetchInit | undefined,
    resolve: (response: Response) => void,
    reject: (reason: unknown) => void,
  ) {
    this.#outbound = outbound
    this.#fetch = fetch
    this.#input = input
    this.#init = init
    this.#resolve = resolve
    this.#reject = reject
  }

  get origin(): string {
    const input = this.#input
    try {
      return new URL(typeof input === 'object' && 'url' in input ? input.url : input).origin
    } catch {
      // Relative to a page, or nonsense, of which fetch will say so.
      return ''
    }
  }

  get method(): string {
    return (this.#init?.method ?? this.#request?.method ?? 'GET').toUpperCase()
  }

  header(name: string): string | undefined {
    this.#headers ??= new Headers(this.#init?.headers ?? this.#request?.headers)
    return this.#headers.get(name) ?? undefined
  }

  /** Asks to be sent. */
  begin(): void {
    const signal = this.#signal
    if (signal?.aborted === true) return this.#refuse(signal.reason)
    if (signal) watchAbort(signal, this)
    try {
      this.#outbound.ask(this, this, this.#init?.arrival, false, (call) => (this.#call = call))
    } catch (error) {
      this.#over()
      this.#refuse(error)
    }
  }

  admitted(): void {
    this.#sent = true
    this.#send().then(
      (response) => this.#heard(response),
      (error: unknown) => {
        this.failed(error)
        this.#refuse(error)
      },
    )
  }

  refused(rejection: Rejection): void {
    this.#over()
    this.#refuse(new RejectedError(rejection))
  }

  expired(error: RejectedError): void {
    this.#over()
    this.#controller!.abort(error)
    // Not every fetch heeds its signal.
    this.#refuse(error)
  }

  /** The caller's signal was. */
  aborted(reason: unknown): void {
    this.#call?.left()
    this.#controller?.abort(reason)
    if (!this.#sent) this.#refuse(reason)
  }

  ended(): void {
    this.#over()
    this.#call!.ended()
  }

  failed(error: unknown): void {
    this.#over()
    this.#call!.failed(error)
  }

  left(): void {
    this.#over()
    this.#call!.left()
  }

  /** A caller that has a request of its own says in it what it does not say beside it. */
  get #request(): Request | undefined {
    const input = this.#input
    return typeof input === 'object' && 'headers' in input ? input : undefined
  }

  get #signal(): AbortSignal | null | undefined {
    const { signal } = this.#init ?? {}
    return signal === undefined ? this.#request?.signal : signal
  }

  /** Async, so that what fetch throws is a rejection like any other. */
  async #send(): Promise<Response> {
    const { deadline } = this.#call!
    // Not `this.#fetch(…)`: the platform's fetch minds what it is called on.
    const fetch = this.#fetch
    if (deadline === undefined) return fetch(this.#input, this.#init)
    this.#controller = new AbortController()
    const { deadlineHeader } = this.#outbound
    const headers = new Headers(this.#init?.headers ?? this.#request?.headers)
    if (deadlineHeader !== undefined) headers.set(deadlineHeader, this.#outbound.timeLeft(deadline))
    return fetch(this.#input, { ...this.#init, headers: [...headers], signal: this.#controller.signal })
  }

  #heard(response: Response): void {
    // A fetch of somebody's own may answer anything.
    try {
      this.#call!.heard(response.status, (name) => response.headers.get(name) ?? undefined)
      this.#resolve?.(watchedResponse(response, this))
      this.#resolve = undefined
      this.#reject = undefined
    } catch (error) {
      this.left()
      this.#refuse(error)
    }
  }

  #refuse(reason: unknown): void {
    this.#reject?.(reason)
    this.#resolve = undefined
    this.#reject = undefined
  }

  #over(): void {
    const signal = this.#signal
    if (signal) unwatchAbort(signal, this)
  }
}
