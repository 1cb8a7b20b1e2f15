import { createServer, type RequestListener, type Server } from 'node:http'
import { SecureServer, type Identity } from './tls/index.ts'

const OPTIONS = {
  // Half an hour for a body is honest; half a minute for headers is not.
  headersTimeout: 10_000,
  requestTimeout: 0,
  connectionsCheckingInterval: 1000,
  // Longer than the minute after which most load balancers drop an idle connection, so that it is never us.
  keepAliveTimeout: 65_000,
  highWaterMark: 65_536,
}

/** What takes requests: HTTP/1.1 where there is no certificate, else that and HTTP/2 behind TLS. */
export function dataServer(identity: Identity | undefined, listener: RequestListener): Server {
  const server =
    identity === undefined ? createServer(OPTIONS, listener) : new SecureServer(identity, OPTIONS, listener)
  // Counted and refused by `screen`: node would leave out what is too much and say nothing.
  server.maxHeadersCount = 0
  return server
}
