// A gateway in this process, upstreams and raw connections around it, for tests with real sockets.
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { connect as open, createServer as createRawServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { startGateway, type Gateway, type GatewayOptions } from '../../src/gateway.ts'

/** What a test starts and must end, in the order it was started. */
export class Scene {
  readonly #ends: (() => Promise<void> | void)[] = []

  onEnd(end: () => Promise<void> | void): void {
    this.#ends.push(end)
  }

  async end(): Promise<void> {
    for (const end of this.#ends.reverse()) await end()
  }

  /** A node:http upstream on a free port. */
  async upstream(listener: RequestListener): Promise<number> {
    const server = createServer({ keepAliveTimeout: 60_000 }, listener)
    return await this.#listening(server, () => server.closeAllConnections())
  }

  /** An upstream that is nothing but sockets. */
  async rawUpstream(serve: (socket: Socket) => void): Promise<number> {
    const sockets = new Set<Socket>()
    const server = createRawServer((socket) => {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => sockets.delete(socket))
      serve(socket)
    })
    return await this.#listening(server as Server, () => sockets.forEach((socket) => socket.destroy()))
  }

  async gateway(port: number, options: Omit<GatewayOptions, 'upstream'> = {}): Promise<Gateway> {
    const gateway = await startGateway({ upstream: `http://127.0.0.1:${port}`, ...options })
    this.onEnd(() => gateway.close())
    return gateway
  }

  async connect(port: number): Promise<Client> {
    const client = await connect(port)
    this.onEnd(() => client.leave())
    return client
  }

  async #listening(server: Server, cut: () => void): Promise<number> {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    this.onEnd(async () => {
      const closed = once(server, 'close')
      server.close()
      cut()
      await closed
    })
    return (server.address() as AddressInfo).port
  }
}

/** Runs `prove` and ends whatever it started. */
export async function scene(prove: (scene: Scene) => Promise<void>): Promise<void> {
  const stage = new Scene()
  try {
    await prove(stage)
  } finally {
    await stage.end()
  }
}

/** A raw connection: what is sent is what arrives. */
export interface Client {
  readonly socket: Socket
  readonly closed: boolean
  send(data: string | Uint8Array): void
  /** Everything so far, as latin1. */
  received(): string
  leave(): void
}

export async function connect(port: number): Promise<Client> {
  const socket = open({ port, host: '127.0.0.1' })
  let text = ''
  let closed = false
  socket.on('data', (part: Buffer) => (text += part.toString('latin1')))
  socket.on('error', () => {})
  socket.on('close', () => (closed = true))
  await once(socket, 'connect')
  return {
    socket,
    get closed() {
      return closed
    },
    send: (data) => void socket.write(data),
    received: () => text,
    leave: () => void socket.destroy(),
  }
}

/** Waits for a condition, at most so many ms. */
export async function until(what: string, condition: () => boolean, within = 5000): Promise<void> {
  for (const end = performance.now() + within; !condition(); await sleep(1))
    if (performance.now() > end) throw new Error(`waited ${within} ms in vain for ${what}`)
}
