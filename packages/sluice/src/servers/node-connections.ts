import { subscribe } from 'node:diagnostics_channel'
import type { Server, Socket } from 'node:net'

/** A connection knows who accepted it. */
interface Accepted extends Socket {
  readonly server: Server
}

const open = new Set<Socket>()
/** Servers that are heard where they speak TLS. */
const heard = new WeakSet<Server>()

subscribe('net.server.socket', onAccepted)

/**
 * The connections a server has accepted on which nothing has come yet, since this module was loaded. To node:http they
 * are busy: what closes idle connections leaves them alone.
 */
export function silentConnections(server: object): readonly Socket[] {
  return openConnections(server).filter(({ bytesRead }) => bytesRead === 0)
}

/** All connections of a server, since this module was loaded. One behind TLS is there twice: as it is, and in the clear. */
export function openConnections(server: object): readonly Socket[] {
  return [...open].filter((socket) => (socket as Partial<Accepted>).server === server)
}

function onAccepted(message: unknown): void {
  const { socket } = message as { readonly socket: Accepted }
  keep(socket)
  const { server } = socket
  if (heard.has(server)) return
  heard.add(server)
  // No channel tells of these, and their handshakes take longer than this.
  server.on('secureConnection', keep)
}

function keep(socket: Socket): void {
  // A server may be handed one again: after an upgrade that it ignores.
  if (open.has(socket)) return
  open.add(socket)
  socket.on('close', () => open.delete(socket))
}
