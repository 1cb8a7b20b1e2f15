import { createServer, type RequestListener, type Server } from 'node:http'
import { PlainServer, SecureServer, type Identity } from './tls/index.ts'

const OPTIONS = {
  // Half an hour for a body is honest; half a minute for headers is not.
  headersTimeout: 10_000,
  requestTimeout: 0,
  connectionsCheckingInterval: 1000,
  // Longer than the minute after which most load balancers drop an idle connection, so that it is never us.
  keepAliveTimeout: 65_000,
  highWaterMark: 65_536,
}

/**
 * What takes requests: HTTP/1.1 where there is no certificate, else that and HTTP/2 behind TLS.
 * @param h2c where there is no certificate: HTTP/2, too, from those who begin with it
 */
export function dataServer(identity: Identity | undefined, h2c: boolean, listener: RequestListener): Server {
  const server =
    identity !== undefined
      ? new SecureServer(identity, OPTIONS, listener)
      : h2c
        ? new PlainServer(OPTIONS, listener)
        : createServer(OPTIONS, listener)
  // Counted and refused by `screen`: node would leave out what is too much and say nothing.
  server.maxHeadersCount = 0
  return server
}
