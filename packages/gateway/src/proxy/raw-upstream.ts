import type { Millis } from 'sluice'
import { patienceOf, TICK, type Patience } from './patience.ts'
import { RawCall, type RawSwitchboard } from './raw-call.ts'
import { RawConnection, type RawKeeper } from './raw-connection.ts'
import { writeRequest } from './raw-request.ts'
import { targetOf, type Target } from './target.ts'
import type { UndiciUpstreamOptions } from './undici-upstream.ts'
import { BUSY, SHUT } from './upstream-failure.ts'
import { NO_CALL, type Upstream, type UpstreamCall, type UpstreamReceiver, type UpstreamRequest } from './upstream.ts'

export interface RawUpstreamOptions extends UndiciUpstreamOptions {
  /** Connections at most; who comes when all are busy waits for one. At least 1. Default 10,000. */
  readonly connections?: number
  /** Certificates, in PEM, of those who may vouch for the upstream. Default: those Node trusts. */
  readonly ca?: string
}

/** How long an idle connection is kept where the upstream does not say, in ms. node:http closes after 5 s. */
const IDLE: Millis = 4000
/** However long it says that it keeps one, in ms. */
const LONGEST_IDLE: Millis = 60_000
/** So much earlier than it says, in ms: the request that goes out just then must still get there. */
const EARLIER: Millis = 1000

/**
 * The upstream over `node:net` and `node:tls`: callbacks, raw headers, no stream and no client library between the two
 * sockets. It reads answers at least as strictly as node:http, makes the framing of requests itself, one request at a time
 * on each connection, and takes the connection that was used last, so that the others may go.
 *
 * An upstream may close an idle connection just as a request goes out on it. An idempotent request without a body
 * that so dies before the first byte of an answer, on a connection that was used before, is sent once more, on a
 * connection of its own.
 */
export function rawUpstream(options: RawUpstreamOptions): Upstream {
  return new RawUpstream(options)
}

class RawUpstream implements Upstream, RawKeeper, RawSwitchboard {
  readonly target: Target
  readonly patience: Patience
  tick = 0
  readonly #host: string
  readonly #most: number
  readonly #connections = new Set<RawConnection>()
  /** The one used last at the end. */
  readonly #idle: RawConnection[] = []
  /** Calls for which there is no connection. */
  readonly #waiting = new Set<RawCall>()
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(options: RawUpstreamOptions) {
    const { origin, ca, lookup, connections = 10_000 } = options
    this.target = targetOf(origin, ca, lookup)
    this.patience = patienceOf(options)
    this.#host = origin.host
    this.#most = connections
  }

  send(request: UpstreamRequest, receiver: UpstreamReceiver): UpstreamCall {
    const raw = writeRequest(request, this.#host)
    if (typeof raw === 'string') {
      receiver.failed({ code: 'BAD_REQUEST', message: `the request cannot be passed on: ${raw}` })
      return NO_CALL
    }
    const call = new RawCall(request, raw, receiver, this, this.tick)
    this.#connect(call, true)
    return call
  }

  close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#timer)
    for (const call of this.#waiting) call.lost(SHUT, false)
    this.#waiting.clear()
    for (const connection of this.#connections) connection.fail(SHUT)
    return Promise.resolve()
  }

  again(call: RawCall): void {
    this.#connect(call, false)
  }

  forget(call: RawCall): void {
    this.#waiting.delete(call)
  }

  idle(connection: RawConnection, keptFor: number | undefined): void {
    const [next] = this.#waiting
    if (next !== undefined) {
      this.#waiting.delete(next)
      connection.carry(next)
      return
    }
    const kept = keptFor === undefined ? IDLE : Math.min(LONGEST_IDLE, keptFor * 1000 - EARLIER)
    // Rounded down, and the tick under way is not a whole one.
    const until = this.tick + Math.floor(kept / TICK) - 1
    if (until <= this.tick) return connection.drop()
    connection.idleUntil = until
    this.#idle.push(connection)
  }

  gone(connection: RawConnection): void {
    this.#connections.delete(connection)
    const at = this.#idle.lastIndexOf(connection)
    if (at >= 0) this.#idle.splice(at, 1)
    const [next] = this.#waiting
    if (next !== undefined && !this.#closed) {
      this.#waiting.delete(next)
      this.#connect(next, false)
    } else if (this.#connections.size === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
    }
  }

  #connect(call: RawCall, mayReuse: boolean): void {
    if (this.#closed) return call.lost(SHUT, false)
    const idle = mayReuse ? this.#idle.pop() : undefined
    if (idle !== undefined) return idle.carry(call)
    if (this.#connections.size >= this.#most) {
      this.#waiting.add(call)
      return
    }
    this.#timer ??= this.#start()
    this.#connections.add(new RawConnection(this, call))
  }

  #start(): NodeJS.Timeout {
    return setInterval(() => this.#look(), TICK).unref()
  }

  #look(): void {
    this.tick++
    for (const connection of this.#connections) connection.check(this.tick)
    for (const call of this.#waiting)
      if (this.tick - call.since > this.patience.head) {
        this.#waiting.delete(call)
        call.lost(BUSY, false)
      }
  }
}
