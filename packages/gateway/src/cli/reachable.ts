import { connect, type LookupFunction } from 'node:net'

/** How long is tried, in ms. */
const PATIENCE = 2000

/** Where none is said. */
const PORTS: Readonly<Record<string, number>> = { 'https:': 443, 'redis:': 6379, 'rediss:': 6379 }

/**
 * Why a connection cannot be made now; nothing when it can.
 * @param lookup says where a name leads; default: the system's
 */
export async function reachable(url: URL, lookup?: LookupFunction): Promise<string | undefined> {
  const port = url.port === '' ? (PORTS[url.protocol] ?? 80) : Number(url.port)
  const host = url.hostname.replaceAll(/[[\]]/g, '')
  return await new Promise((resolve) => {
    const socket = connect({ host, port, timeout: PATIENCE, ...(lookup && { lookup }) })
    // A look must not keep a process alive that wants to end.
    socket.unref()
    const done = (why: string | undefined): void => {
      socket.destroy()
      resolve(why)
    }
    socket.once('connect', () => done(undefined))
    socket.once('timeout', () => done(`no answer within ${PATIENCE / 1000} s`))
    socket.once('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message))
  })
}
