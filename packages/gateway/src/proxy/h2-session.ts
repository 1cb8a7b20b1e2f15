import { connect, constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2'
import { connect as openPlain, type Socket } from 'node:net'
import { connect as openSecure, type TLSSocket } from 'node:tls'
import type { H2Call } from './h2-call.ts'
import type { H2Request } from './h2-head.ts'
import type { Patience } from './patience.ts'
import { LONGEST_BLOCK } from './raw-block.ts'
import { MOST_HEADERS } from './screen.ts'
import { secureOptions, type Target } from './target.ts'
import { CLOSED, CONNECT_TIMEOUT, failureOf, SILENT, type UpstreamFailure } from './upstream-failure.ts'

/** Bytes of one answer that may be on their way, or unread, at a time. */
const WINDOW = 131_072
/** The same for all answers of a session together. */
const SESSION_WINDOW = 4 * 1024 ** 2
/** What a session may hold, in MB: as many streams as servers usually allow, all unread. */
const MOST_MEMORY = 64
/** However many streams the other side allows. */
const MOST_STREAMS = 1000
/** Streams of one session in all its life: there are numbers for twice as many. */
const LAST_STREAM = 2 ** 29

/** Whoever keeps sessions. */
export interface H2Keeper {
  readonly target: Target
  readonly patience: Patience
  readonly tick: number
  /** It carries calls now, or more or fewer than before. */
  changed(session: H2Session): void
  /** The other side chose HTTP/1.1. */
  choseHttp1(session: H2Session): void
  /** It is gone. */
  gone(session: H2Session): void
}

/** One connection of HTTP/2, many calls at a time. */
export class H2Session {
  /** The tick after which it is idle no longer. */
  idleUntil: number = Infinity
  /** Why it is gone, where that is its own fault. */
  failure: UpstreamFailure | undefined
  readonly #keeper: H2Keeper
  readonly #socket: Socket
  readonly #calls = new Set<H2Call>()
  #session: ClientHttp2Session | undefined
  #since: number
  /** Streams the other side allows; `undefined` before it has said so, which it must do first of all. */
  #most: number | undefined
  #begun = 0
  #hasAnswered = false
  /** What had been read of it, and in which tick that changed last. */
  #read = 0
  #readAt: number
  #isLeaving = false
  #isDoubted = false
  #isGone = false
  /** The last stream that the other side has looked at, once it has said that it leaves. */
  #last = Infinity

  constructor(keeper: H2Keeper) {
    this.#keeper = keeper
    this.#since = this.#readAt = keeper.tick
    this.#socket = keeper.target.secure ? this.#dialSecure() : this.#dialPlain()
    this.#socket
      .setNoDelay(true)
      .on('error', (error) => this.#fail(failureOf(error)))
      .on('close', () => this.#fail(CLOSED))
  }

  /** So many calls more can be carried now. */
  get room(): number {
    const session = this.#session
    if (session === undefined || session.closed || session.destroyed) return 0
    if (this.#isLeaving || this.#isGone || (this.#isDoubted && this.#keeper.tick - this.#since > 1)) return 0
    return Math.max(0, Math.min(MOST_STREAMS, this.#most ?? 0) - this.#calls.size)
  }

  /** Streams that the other side allows at once; `undefined` as long as it has not said, or allows none. */
  get allows(): number | undefined {
    return this.#most === 0 ? undefined : this.#most
  }

  get isIdle(): boolean {
    return this.#calls.size === 0
  }

  /** True where it has died after it had answered: what it carried may be sent again. */
  get wasLost(): boolean {
    return this.#hasAnswered && (this.#isGone || this.#session?.destroyed === true)
  }

  /** Begins a stream. @throws what node:http2 throws for a head it does not send */
  open({ headers, length }: H2Request, hasBody: boolean): ClientHttp2Stream {
    if (++this.#begun === LAST_STREAM) this.#isLeaving = true
    return this.#session!.request(headers, { endStream: !hasBody, waitForTrailers: hasBody && length === undefined })
  }

  add(call: H2Call): void {
    this.#calls.add(call)
  }

  remove(call: H2Call): void {
    if (!this.#calls.delete(call) || this.#isGone) return
    if (this.#calls.size === 0 && this.#isLeaving) this.end()
    else this.#keeper.changed(this)
  }

  /** It has answered something. */
  heard(): void {
    this.#hasAnswered = true
  }

  /** True for a stream that came after the last one that the other side serves before it leaves. */
  passedOver({ id = 0, rstCode }: ClientHttp2Stream): boolean {
    // nghttp2 tells of the streams before it tells of the GOAWAY.
    return id > this.#last || (rstCode === constants.NGHTTP2_REFUSED_STREAM && this.#session?.closed === true)
  }

  /** Called with each tick. */
  check(tick: number): void {
    for (const call of this.#calls) call.check(tick)
    const { connect: patience } = this.#keeper.patience
    const { bytesRead } = this.#socket
    if (bytesRead !== this.#read || this.#calls.size === 0) this.#readAt = tick
    this.#read = bytesRead
    if (this.#most === undefined && tick - this.#since > patience) this.#fail(CONNECT_TIMEOUT)
    else if (this.#isDoubted && tick - this.#since > patience) this.#fail(SILENT)
    else if (tick - this.#readAt > patience) this.#doubt()
    else if (this.#calls.size === 0 && tick > this.idleUntil) this.end()
  }

  /**
   * Somebody waits and nothing comes. Unless it shows at once that somebody is there no more is sent over it. After a fault of
   * the other side's, nghttp2 reads no more either, and does not tell.
   */
  #doubt(): void {
    if (this.#isDoubted || this.#isGone) return
    this.#isDoubted = true
    this.#since = this.#keeper.tick
    this.#session?.ping((error) => {
      if (error !== null) return
      this.#isDoubted = false
      this.#keeper.changed(this)
    })
  }

  /** Ends it, and whatever it carries. */
  end(failure: UpstreamFailure = CLOSED): void {
    this.#fail(failure)
  }

  #dialPlain(): Socket {
    const { host, port, lookup } = this.#keeper.target
    return openPlain({ host, port, ...(lookup && { lookup }) }, () => this.#begin())
  }

  #dialSecure(): TLSSocket {
    const options = { ...secureOptions(this.#keeper.target), ALPNProtocols: ['h2', 'http/1.1'] }
    const socket = openSecure(options, () => {
      if (socket.alpnProtocol === 'h2') return this.#begin()
      this.#isGone = true
      socket.destroy()
      this.#keeper.choseHttp1(this)
    })
    return socket
  }

  #begin(): void {
    if (this.#isGone) return
    const { secure, host } = this.#keeper.target
    const session = connect(`${secure ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}`, {
      createConnection: () => this.#socket,
      settings: { enablePush: false, initialWindowSize: WINDOW, maxHeaderListSize: LONGEST_BLOCK },
      // One of them says the status.
      maxHeaderListPairs: MOST_HEADERS + 1,
      maxSessionMemory: MOST_MEMORY,
    })
    this.#session = session
    session
      .on('connect', () => session.setLocalWindowSize(SESSION_WINDOW))
      .on('remoteSettings', ({ maxConcurrentStreams = MOST_STREAMS }) => {
        this.#most = maxConcurrentStreams
        this.#keeper.changed(this)
      })
      .on('goaway', (_code: number, last: number) => {
        this.#last = Math.min(this.#last, last)
        this.#leave()
      })
      .on('error', (error) => this.#fail(failureOf(error)))
      .on('close', () => this.#fail(CLOSED))
      // Before it has heard that it may not, somebody may push.
      .on('stream', (stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM))
  }

  /** What it carries is carried to its end. */
  #leave(): void {
    this.#isLeaving = true
    if (this.#calls.size === 0) this.end()
    else this.#keeper.changed(this)
  }

  #fail(failure: UpstreamFailure): void {
    if (this.#isGone) return
    this.#isGone = true
    this.failure = failure
    this.#keeper.gone(this)
    this.#session?.destroy()
    this.#socket.destroy()
  }
}
