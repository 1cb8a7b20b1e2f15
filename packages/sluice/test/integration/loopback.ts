// Servers and raw connections on the loopback address, for tests with real sockets.
import { once } from 'node:events'
import type { Server } from 'node:http'
import { connect as open, type AddressInfo } from 'node:net'
import { connect as openSecure } from 'node:tls'
import type { LawConnection, LawServer } from '../../src/testing/http-laws.ts'

/** A port of its own for the server, until it is closed with all its connections. */
export async function listen(server: Server): Promise<LawServer> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async close(): Promise<void> {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

/** Runs `prove` against the server, and closes it whatever comes of that. */
export async function serving(server: Server, prove: (port: number) => Promise<void>): Promise<void> {
  const { port, close } = await listen(server)
  try {
    await prove(port)
  } finally {
    await close()
  }
}

export interface Connection extends LawConnection {
  send(data: string | Uint8Array): void
}

/** @param ca who vouches for the server, where it is one behind TLS */
export async function connect(port: number, ca?: string): Promise<Connection> {
  const to = { port, host: '127.0.0.1' }
  const socket = ca === undefined ? open(to) : openSecure({ ...to, ca })
  let text = ''
  let closed = false
  socket.setEncoding('latin1')
  socket.on('data', (part: string) => (text += part))
  socket.on('error', () => undefined)
  socket.on('close', () => (closed = true))
  await once(socket, ca === undefined ? 'connect' : 'secureConnect')
  return {
    send: (data) => void socket.write(data),
    received: () => text,
    leave: () => void socket.destroy(),
    reset: () => void socket.resetAndDestroy(),
    finish: () => void socket.end(),
    get closed() {
      return closed
    },
  }
}
