import { subscribe } from 'node:diagnostics_channel'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { visitOf, type Connection } from '../http/index.ts'

/** What node:http says of a response that is written out. */
interface Finished {
  readonly request: IncomingMessage
  readonly socket: Socket
}

/** Runtimes in the manner of Node (Bun) have the channel too and say nothing on it: believed once it was heard. */
let heard = false

// One for all responses: a listener on each costs a request as much as most of the rest, in Express above all.
subscribe('http.server.response.finish', (message) => {
  heard = true
  const { request, socket } = message as Finished
  visitOf(request)?.closed(!socket.destroyed)
})

/**
 * True where node:http tells of each response itself. It does not of those that others make in its manner, for requests
 * that no connection carries (`inject`), and after an upgrade.
 */
export function tellsEnd(connection: Connection & { readonly parser?: object | null }): boolean {
  return heard && connection.parser != null
}
