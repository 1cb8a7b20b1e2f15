import { subscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import type { EventLoop } from '../http/index.ts'

let accepted = 0
const open = new Set<Socket>()

/** The loop of this thread. All servers share it, so one count of connections serves them all. */
export const nodeEventLoop: EventLoop = {
  afterReading: (run) => void setImmediate(run),
  get accepted() {
    return accepted
  },
}

// At once: a server may be drained that no pacer ever asked about, and it has connections all the same.
subscribe('net.server.socket', onAccepted)

/**
 * The connections a server has accepted on which nothing has come yet, since this module was loaded. To node:http they
 * are busy: what closes idle connections leaves them alone.
 */
export function silentConnections(server: object): readonly Socket[] {
  return openConnections(server).filter(({ bytesRead }) => bytesRead === 0)
}

/** All connections of a server, since this module was loaded. */
export function openConnections(server: object): readonly Socket[] {
  return [...open].filter((socket) => (socket as { readonly server?: object }).server === server)
}

function onAccepted(message: unknown): void {
  const { socket } = message as { readonly socket: Socket }
  accepted++
  open.add(socket)
  socket.on('close', () => open.delete(socket))
}
