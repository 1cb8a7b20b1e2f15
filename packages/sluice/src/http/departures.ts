/** The slice of `net.Socket` that says when the client has left. */
export interface Connection {
  readonly destroyed?: boolean
  on(event: 'close', listener: () => void): unknown
}

/** What wants to know that its client left. */
export interface Leaver {
  left(): void
}

// One listener for each connection, however many requests are open on it: pipelining would else add one for each of
// them, and Node warns of a leak at the eleventh.
const open = new WeakMap<Connection, Set<Leaver>>()

/**
 * Calls `leaver.left()` when the connection closes. Needed beside the events of the response: on Node 20 and 22 a
 * pipelined response that never got its turn emits nothing at all when the client disconnects.
 */
export function watchDeparture(connection: Connection, leaver: Leaver): void {
  let leavers = open.get(connection)
  if (leavers === undefined) {
    const fresh = new Set<Leaver>()
    connection.on('close', () => {
      for (const each of fresh) each.left()
      fresh.clear()
    })
    open.set(connection, fresh)
    leavers = fresh
  }
  leavers.add(leaver)
}

/** Forgets what ended otherwise. */
export function unwatchDeparture(connection: Connection, leaver: Leaver): void {
  open.get(connection)?.delete(leaver)
}
