/** The slice of `net.Socket` that says when the client has left. */
export interface ClosingSocket {
  on(event: 'close', listener: () => void): unknown
}

/** The slice of `ServerResponse` by which one that waits behind others on its connection is known. */
interface Pipelined {
  readonly socket?: ClosingSocket | null
  readonly req?: { readonly socket?: ClosingSocket | null }
}

// One listener for each connection, however many responses wait on it: Node warns of a leak at the eleventh.
const open = new WeakMap<ClosingSocket, Set<() => void>>()

/**
 * Watches the connection of a response that has not its turn yet: on Node 20 and 22 such a one emits nothing at all when
 * its client disconnects. Any other stream says so itself.
 * @returns the connection, where there is one to watch
 */
export function watchClose(writable: object, listener: () => void): ClosingSocket | undefined {
  const { socket, req } = writable as Pipelined
  if (socket !== null || typeof req?.socket?.on !== 'function') return undefined
  const connection = req.socket
  let listeners = open.get(connection)
  if (listeners === undefined) {
    const fresh = new Set<() => void>()
    connection.on('close', () => {
      for (const each of fresh) each()
    })
    open.set(connection, fresh)
    listeners = fresh
  }
  listeners.add(listener)
  return connection
}

export function unwatchClose(connection: ClosingSocket, listener: () => void): void {
  open.get(connection)?.delete(listener)
}
