import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { splitReplies } from './redis-replies.ts'

/** What happens to messages on the way, each as a part of all from 0 to 1, or how late in ms. */
export interface Tampering {
  readonly lost: number
  readonly twice: number
  readonly late: number
  readonly upTo: number
}

/**
 * A road to a Redis that can be closed, wholly or one way: what is on it then arrives when it opens again. It can lose
 * messages (not answers), let them arrive twice, or late and out of order.
 */
export class Road {
  /** Messages tampered with so far. */
  tampered = 0
  tampering: Tampering | undefined
  readonly #sockets = new Map<Socket, 'up' | 'down'>()
  readonly #server: Server
  readonly #random: () => number
  #closed: readonly ('up' | 'down')[] = []

  private constructor(to: number, random: () => number) {
    this.#random = random
    this.#server = createServer((near) => {
      const far = connect(to, '127.0.0.1')
      this.#lay(near, far, 'up')
      this.#lay(far, near, 'down')
    }).listen(0, '127.0.0.1')
  }

  static async open(to: number, random: () => number): Promise<Road> {
    const road = new Road(to, random)
    await new Promise((resolve) => road.#server.once('listening', resolve))
    return road
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  #lay(from: Socket, to: Socket, way: 'up' | 'down'): void {
    this.#sockets.set(from, way)
    let rest: Buffer = Buffer.alloc(0)
    from.on('data', (chunk: Buffer) => {
      if (way === 'up') return to.write(chunk)
      const { replies, left } = splitReplies(Buffer.concat([rest, chunk]))
      rest = left
      for (const reply of replies) this.#deliver(reply, to)
      return undefined
    })
    from.once('error', () => {})
    from.once('close', () => {
      this.#sockets.delete(from)
      to.destroy()
    })
    if (this.#closed.includes(way)) from.pause()
  }

  #deliver(reply: Buffer, to: Socket): void {
    const { tampering } = this
    const message = tampering !== undefined && reply[0] === PUSH && reply.includes('smessage')
    if (!message) return void to.write(reply)
    const dice = this.#random()
    const { lost, twice, late, upTo } = tampering
    if (dice >= lost + twice + late) return void to.write(reply)
    this.tampered++
    if (dice < lost) return undefined
    if (dice < lost + twice) {
      to.write(reply)
      to.write(reply)
      return undefined
    }
    setTimeout(() => to.writable && to.write(reply), this.#random() * upTo)
    return undefined
  }

  close(ways: readonly ('up' | 'down')[] = ['up', 'down']): void {
    this.#closed = ways
    for (const [socket, way] of this.#sockets) if (ways.includes(way)) socket.pause()
  }

  open(): void {
    this.#closed = []
    for (const socket of this.#sockets.keys()) socket.resume()
  }

  end(): void {
    for (const socket of this.#sockets.keys()) socket.destroy()
    this.#server.close()
  }
}

const PUSH = '>'.charCodeAt(0)
