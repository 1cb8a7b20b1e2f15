import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** A cable between clients and a server that can be cut. */
export interface Cable {
  readonly port: number
  /** How many connections were ever made. */
  readonly connections: number
  cut(): void
  /** Nothing reaches the clients any more, until {@link goOn}. */
  stop(): void
  goOn(): void
  close(): Promise<void>
}

export async function cable(port: number): Promise<Cable> {
  const sockets = new Set<Socket>()
  const pairs = new Map<Socket, Socket>()
  let connections = 0
  const server = createServer((near) => {
    connections++
    const far = connect({ port, host: '127.0.0.1' })
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        sockets.delete(socket)
        near.destroy()
        far.destroy()
      })
    }
    near.pipe(far).pipe(near)
    pairs.set(near, far)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections
    },
    cut,
    stop(): void {
      for (const [near, far] of pairs) far.unpipe(near)
    },
    goOn(): void {
      for (const [near, far] of pairs) far.pipe(near)
    },
    async close(): Promise<void> {
      const closed = once(server, 'close')
      server.close()
      cut()
      await closed
    },
  }
}
