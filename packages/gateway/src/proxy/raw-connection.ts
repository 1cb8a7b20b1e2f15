import { connect as open, type Socket } from 'node:net'
import { connect as openSecure } from 'node:tls'
import type { Patience } from './patience.ts'
import { RawBody, type RawBodyListener } from './raw-body.ts'
import type { RawCall } from './raw-call.ts'
import { RawReader } from './raw-reader.ts'
import { RawResponse, type RawListener } from './raw-response.ts'
import { secureOptions, type Target } from './target.ts'
import {
  BODY_TIMEOUT,
  CLOSED,
  CONNECT_TIMEOUT,
  CUT_OFF,
  HEADERS_TIMEOUT,
  failureOf,
  UNASKED,
  type UpstreamFailure,
} from './upstream-failure.ts'
import { writeTogether } from './write-together.ts'

/** Whoever keeps connections. */
export interface RawKeeper {
  readonly target: Target
  readonly patience: Patience
  /** Counts up while there are connections. */
  readonly tick: number
  /** It may carry another call. @param keptFor how long the other side says it keeps it, in seconds */
  idle(connection: RawConnection, keptFor: number | undefined): void
  /** It is gone. */
  gone(connection: RawConnection): void
}

/** One connection, one call at a time. */
export class RawConnection implements RawListener, RawBodyListener {
  /** The tick after which it is idle no longer. */
  idleUntil: number = Infinity
  readonly #keeper: RawKeeper
  readonly #socket: Socket
  readonly #secure: boolean
  readonly #response = new RawResponse()
  readonly #reader = new RawReader()
  #call: RawCall | undefined
  #body: RawBody | undefined
  #since: number
  #open = false
  /** The head of a request without a body, as long as it has not gone out. */
  #unsent: string | undefined
  #gone = false
  /** True once it has carried an answer. */
  #used = false
  #failure: UpstreamFailure | undefined

  constructor(keeper: RawKeeper, call: RawCall) {
    this.#keeper = keeper
    this.#since = keeper.tick
    this.#secure = keeper.target.secure
    this.#call = call
    call.connection = this
    this.#socket = this.#secure ? this.#openSecure() : this.#openPlain()
    this.#socket
      .on('error', (error) => (this.#failure ??= this.#failureOf(error)))
      .on('end', () => this.#ended())
      .on('close', () => this.#lost(this.#failure ?? this.#closed()))
      .on('drain', () => this.#body?.drained())
  }

  /** Sends a call over it. Only while it is idle. */
  carry(call: RawCall): void {
    this.#call = call
    call.connection = this
    this.#write(call)
  }

  /** Ends it, and whatever it carries, without a word. */
  drop(): void {
    this.#call = undefined
    this.#destroy()
  }

  /** Ends it, and tells whoever is on it. */
  fail(failure: UpstreamFailure): void {
    this.#lost(failure)
  }

  pause(): void {
    if (this.#open) this.#socket.pause()
  }

  resume(): void {
    this.#since = this.#keeper.tick
    if (this.#open) this.#socket.resume()
  }

  /** Called with each tick. */
  check(tick: number): void {
    const { patience } = this.#keeper
    const call = this.#call
    if (call === undefined) {
      if (tick > this.idleUntil) this.drop()
    } else if (!this.#open) {
      if (tick - this.#since > patience.connect) this.#lost(CONNECT_TIMEOUT)
    } else if (this.#response.begun) {
      if (!call.paused && tick - this.#since > patience.body) this.#lost(BODY_TIMEOUT)
    } else if (tick - this.#since > patience.head && this.#isWaiting()) this.#lost(HEADERS_TIMEOUT)
  }

  head(status: number, reason: string, headers: readonly string[]): void {
    this.#call?.receiver.head(status, reason, headers)
  }

  data(chunk: Buffer, from: number, to: number): void {
    const call = this.#call
    if (call === undefined) return
    if (this.#secure) call.receiver.data(chunk.subarray(from, to))
    else this.#reader.pass(chunk, from, to, call.receiver)
  }

  moved(): void {
    this.#since = this.#keeper.tick
  }

  broken(why: string): void {
    this.#lost({ code: 'BAD_REQUEST', message: `the request cannot be passed on: ${why}` })
  }

  /** The time in which the client sends nothing is not the upstream's. */
  #isWaiting(): boolean {
    return this.#body === undefined || this.#body.done || this.#body.blocked
  }

  #openPlain(): Socket {
    const { host, port, lookup } = this.#keeper.target
    const reader = this.#reader
    const onread = {
      // The types do not know that nothing means the same again.
      buffer: () => reader.next() as Buffer,
      callback: (length: number): boolean => {
        this.#read(reader.read(length))
        return true
      },
    }
    return open({ host, port, noDelay: true, onread, ...(lookup && { lookup }) }, () => this.#opened())
  }

  #openSecure(): Socket {
    const options = { ...secureOptions(this.#keeper.target), ALPNProtocols: ['http/1.1'] }
    const socket = openSecure(options, () => this.#opened())
    return socket.setNoDelay(true).on('data', (chunk: Buffer) => this.#read(chunk))
  }

  #opened(): void {
    if (this.#gone || this.#call === undefined) return
    this.#open = true
    this.#write(this.#call)
  }

  #write(call: RawCall): void {
    const { raw, request } = call
    this.#since = this.#keeper.tick
    this.#response.expect(request.method === 'HEAD')
    if (request.body === undefined) {
      this.#unsent = raw.head
      writeTogether(this.#send)
    } else this.#body = new RawBody(request.body, this.#socket, call, this)
    if (call.paused) this.#socket.pause()
  }

  readonly #send = (): void => {
    const head = this.#unsent
    this.#unsent = undefined
    if (head !== undefined) this.#socket.write(head, 'latin1')
  }

  #read(chunk: Buffer): void {
    if (this.#gone) return
    // Bytes nobody asked for: whatever they are, they are not the next answer.
    if (this.#call === undefined || this.#unsent !== undefined) return this.#lost(UNASKED)
    const response = this.#response
    if (response.begun) this.#since = this.#keeper.tick
    const end = response.take(chunk, this)
    if (this.#gone) return
    if (response.flaw !== undefined) {
      const message = `the upstream did not speak HTTP/1.1 (${response.flaw})`
      this.#lost({ code: 'UPSTREAM_FAILED', message })
    } else if (response.done) this.#finish(end === chunk.length)
  }

  /** The answer is complete. @param clean true where nothing came after it */
  #finish(clean: boolean): void {
    const call = this.#call
    const body = this.#body
    this.#call = undefined
    this.#body = undefined
    this.#used = true
    body?.stop()
    const response = this.#response
    // Before the next call begins over it.
    const { trailers } = response
    this.#reader.rest()
    if (!clean || !response.kept || body?.done === false) this.#destroy()
    else {
      if (call?.paused === true) this.#socket.resume()
      this.#keeper.idle(this, response.keptFor)
    }
    call?.ended(trailers)
  }

  #ended(): void {
    if (this.#gone) return
    if (this.#call !== undefined && this.#open && this.#response.close()) this.#finish(false)
    else this.#lost(this.#closed())
  }

  #closed(): UpstreamFailure {
    return this.#open && this.#response.begun ? CUT_OFF : CLOSED
  }

  #failureOf(error: Error): UpstreamFailure {
    if (!this.#open) return failureOf(error)
    return this.#response.begun ? CUT_OFF : failureOf(error)
  }

  #lost(failure: UpstreamFailure): void {
    if (this.#gone) return
    const call = this.#call
    const untouched = this.#used && this.#open && !this.#response.heard && failure.code === 'UPSTREAM_FAILED'
    this.#call = undefined
    this.#destroy()
    call?.lost(failure, untouched)
  }

  #destroy(): void {
    if (this.#gone) return
    this.#gone = true
    this.#unsent = undefined
    this.#response.stop()
    this.#body?.stop()
    this.#body = undefined
    this.#reader.close()
    this.#socket.destroy()
    this.#keeper.gone(this)
  }
}
