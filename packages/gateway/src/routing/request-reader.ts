import type { IncomingMessage } from 'node:http'
import type { Reader } from 'sluice/http'

/** How the gateway reads its requests. */
export const requestReader: Reader<IncomingMessage> = {
  method: (req) => req.method ?? '',
  target: (req) => req.url ?? '',
  header(req, name) {
    const value = req.headers[name]
    return typeof value === 'object' ? value.join(', ') : value
  },
  peer: (req) => req.socket.remoteAddress,
}
