import { subscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import type { EventLoop } from '../http/index.ts'

let accepted = 0
let counting = false
const open = new Set<Socket>()

/** The loop of this thread. All servers share it, so one count of connections serves them all. */
export const nodeEventLoop: EventLoop = {
  afterReading: (run) => void setImmediate(run),
  get accepted() {
    if (!counting) {
      counting = true
      subscribe('net.server.socket', onAccepted)
    }
    return accepted
  },
}

/**
 * The connections a server has accepted on which nothing has come yet, since the first door was made. To node:http they
 * are busy: what closes idle connections leaves them alone.
 */
export function silentConnections(server: object): readonly Socket[] {
  return [...open].filter(
    (socket) => (socket as { readonly server?: object }).server === server && socket.bytesRead === 0,
  )
}

function onAccepted(message: unknown): void {
  const { socket } = message as { readonly socket: Socket }
  accepted++
  open.add(socket)
  socket.on('close', () => open.delete(socket))
}
