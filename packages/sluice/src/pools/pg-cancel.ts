import type { Clock, Millis } from '../ground/index.ts'
import type { PgClient, PgPool } from './pg-pool.ts'

/** The parts of node-postgres's client and wire that a cancel request needs. They have no types. */
interface Internals {
  readonly processID?: number | null
  readonly secretKey?: unknown
  readonly host?: string
  readonly port?: number
  readonly ssl?: unknown
  readonly sslNegotiation?: string
  readonly connection?: Wire
}

interface Wire {
  readonly stream: { readonly remoteAddress?: string; destroy(): void }
  connect(port: number | string, host?: string): void
  requestSsl(): void
  cancel(processID: number, secretKey: unknown): void
  on(event: string, listener: () => void): unknown
}

/**
 * Ends what the server is doing for a client, by PostgreSQL's cancel request: 16 bytes on a connection of their own,
 * which needs no login and none of `max_connections`, and which poolers pass on. Settled when the server has closed that
 * connection: it sends its signal before, and an idle session forgets it, so a later statement is never hit.
 *
 * `pg_cancel_backend` would need a free connection just when there is none, and names the wrong process behind a pooler.
 *
 * Source: PostgreSQL's manual, "Frontend/Backend Protocol: Canceling Requests in Progress".
 */
export function pgCancel(pool: PgPool, client: PgClient, clock: Clock, patience: Millis): Promise<void> {
  const { processID, secretKey } = client as Internals
  // The native client talks through libpq and shows neither.
  if (typeof processID !== 'number' || secretKey === undefined) return Promise.resolve()
  return new Promise((resolve) => {
    // Made as the pool makes its own, so that it reaches the same server in the same way.
    const Twin = client.constructor as new (options: unknown) => Internals
    const wire = new Twin(pool.options).connection
    if (wire === undefined) return resolve()
    const timer = clock.after(patience, () => wire.stream.destroy())
    wire.on('error', () => wire.stream.destroy())
    wire.on('end', () => {
      timer.cancel()
      resolve()
    })
    dial(wire, client as Internals, () => wire.cancel(processID, secretKey))
  })
}

function dial(
  wire: Wire,
  { host = 'localhost', port = 5432, ssl, sslNegotiation, connection }: Internals,
  ready: () => void,
): void {
  if (ssl !== undefined && ssl !== false) {
    if (sslNegotiation !== 'direct') wire.on('connect', () => wire.requestSsl())
    wire.on('sslconnect', ready)
    return wire.connect(port, host)
  }
  wire.on('connect', ready)
  if (host.startsWith('/')) wire.connect(`${host}/.s.PGSQL.${port}`)
  // The very machine: a name may stand for several.
  else wire.connect(port, connection?.stream.remoteAddress ?? host)
}
