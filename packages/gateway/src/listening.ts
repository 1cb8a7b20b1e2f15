import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A listener that cannot be had: the port is taken, or the address is not ours. */
export class ListenError extends Error {
  readonly port: number
  readonly code: string

  constructor(port: number, code: string, options: ErrorOptions) {
    super(`cannot listen on port ${port} (${code})`, options)
    this.name = 'ListenError'
    this.port = port
    this.code = code
  }
}

/** Where a server listens. */
export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}

/** @throws ListenError */
export async function listen(server: Server, port: number, host: string, exclusive: boolean): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void =>
      reject(new ListenError(port, error.code ?? error.name, { cause: error }))
    server.once('error', failed)
    // The admin port is that of one process, also where several have the data port together.
    server.listen({ port, host, exclusive }, () => {
      server.off('error', failed)
      resolve()
    })
  })
}

/** Listens no more, and ends every connection. */
export async function shut(server: Server): Promise<void> {
  if (!server.listening) {
    server.closeAllConnections()
    return
  }
  await new Promise<void>((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
