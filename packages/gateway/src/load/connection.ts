import { connect, type Socket } from 'node:net'
import type { Exchange, Receiver } from './load.ts'
import { ResponseReader } from './response-reader.ts'

/** Where to, and what is sent each time. */
export interface Target {
  readonly host: string
  readonly port: number
  readonly method: string
  /** The whole request, head and body. */
  readonly request: Buffer
}

/** What a connection asks of whoever keeps it. */
export interface Keeper {
  /** It has carried its answer and may be used again. */
  idle(connection: Connection): void
  /** It is gone. */
  gone(connection: Connection): void
  /** It was closed on us as we wrote, as servers do with connections that were idle too long: ask again elsewhere. */
  again(receiver: Receiver, exchange: Connection): void
}

/** One keep-alive connection, one request at a time. */
export class Connection implements Exchange {
  /** Where the request went when it had to be sent a second time. */
  successor: Exchange | undefined
  readonly #socket: Socket
  readonly #target: Target
  readonly #keeper: Keeper
  readonly #reader: ResponseReader
  #receiver: Receiver | undefined
  #answers = 0
  #heard = false
  #open = true
  #cause = 'ECONNRESET'

  constructor(target: Target, keeper: Keeper) {
    this.#target = target
    this.#keeper = keeper
    this.#reader = new ResponseReader(target.method)
    this.#socket = connect({ host: target.host, port: target.port, noDelay: true })
      .on('data', (chunk: Buffer) => this.#read(chunk))
      .on('error', (error: NodeJS.ErrnoException) => {
        this.#cause = error.code ?? error.message
      })
      .on('close', () => this.#closed())
  }

  send(receiver: Receiver): void {
    this.#receiver = receiver
    this.#heard = false
    this.#reader.reset()
    this.#socket.write(this.#target.request)
  }

  abort(): void {
    if (this.successor !== undefined) {
      this.successor.abort()
      return
    }
    this.destroy()
  }

  /** Drops the connection and tells nobody. */
  destroy(): void {
    this.#receiver = undefined
    if (!this.#open) return
    this.#open = false
    // A reset, so that no port stays behind in TIME_WAIT: a thousand timeouts a second would use them all up.
    // Not one the other side has begun to end, though: libuv refuses, and the process then spins at exit for ever.
    if (this.#socket.connecting || this.#socket.writableEnded) this.#socket.destroy()
    else this.#socket.resetAndDestroy()
    this.#keeper.gone(this)
  }

  #read(chunk: Buffer): void {
    if (this.#receiver === undefined) {
      this.destroy()
      return
    }
    this.#heard = true
    let complete: boolean
    try {
      complete = this.#reader.push(chunk)
    } catch {
      this.#fail('EPROTO')
      return
    }
    if (complete) this.#answer(this.#receiver)
  }

  #answer(receiver: Receiver): void {
    this.#receiver = undefined
    this.#answers++
    receiver.answered(this.#reader)
    if (!this.#open) return
    if (this.#reader.reusable) this.#keeper.idle(this)
    else this.destroy()
  }

  #fail(code: string): void {
    const receiver = this.#receiver
    this.destroy()
    receiver?.failed(code)
  }

  #closed(): void {
    if (!this.#open) return
    this.#open = false
    this.#keeper.gone(this)
    const receiver = this.#receiver
    if (receiver === undefined) return
    this.#receiver = undefined
    if (this.#reader.end()) receiver.answered(this.#reader)
    else if (this.#answers > 0 && !this.#heard) this.#keeper.again(receiver, this)
    else receiver.failed(this.#cause)
  }
}
