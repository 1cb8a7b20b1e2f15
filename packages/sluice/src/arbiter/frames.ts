import type { Socket } from 'node:net'

/** Characters in a message, at most. */
const LONGEST = 262_144
/** Characters that may wait for a reader which does not read. */
const BACKLOG = 4_194_304

/** What may be said: a kind, a number to answer to, and plain data. */
export type Frame = readonly unknown[]

/** One end of a connection: a message a line, in JSON; everything said in one turn of the event loop is sent at once. */
export class Frames {
  readonly #socket: Socket
  readonly #heard: (frame: Frame) => void
  #rest = ''
  #out = ''
  #open = true

  /** @param heard may throw, which ends the connection, as whatever makes no sense does */
  constructor(socket: Socket, heard: (frame: Frame) => void, closed: (why: string | undefined) => void) {
    this.#socket = socket
    this.#heard = heard
    let why: string | undefined
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => {
      try {
        this.#take(chunk)
      } catch (error) {
        why = String(error)
        this.end()
      }
    })
    socket.on('error', (error) => (why ??= error.message))
    socket.on('end', () => this.end())
    socket.once('close', () => {
      this.#open = false
      closed(why)
    })
  }

  #take(chunk: string): void {
    let from = 0
    for (let to = chunk.indexOf('\n'); to >= 0 && this.#open; to = chunk.indexOf('\n', from)) {
      const line = this.#rest + chunk.slice(from, to)
      this.#rest = ''
      from = to + 1
      if (line.length > LONGEST) throw new Error('a message that is too long')
      const frame: unknown = JSON.parse(line)
      if (!Array.isArray(frame)) throw new Error('a message of another kind')
      this.#heard(frame)
    }
    this.#rest += chunk.slice(from)
    if (this.#rest.length > LONGEST) throw new Error('a message that is too long')
  }

  /** @throws Error for a message the other side would not take */
  send(frame: Frame): void {
    if (!this.#open) return
    const line = JSON.stringify(frame)
    if (line.length > LONGEST) throw new Error(`arbiter: a message of ${line.length} characters`)
    if (this.#out === '') queueMicrotask(() => this.#flush())
    this.#out += `${line}\n`
  }

  #flush(): void {
    const out = this.#out
    this.#out = ''
    if (!this.#open) return
    this.#socket.write(out)
    if (this.#socket.writableLength > BACKLOG) this.end()
  }

  end(): void {
    this.#open = false
    this.#socket.destroy()
  }
}
