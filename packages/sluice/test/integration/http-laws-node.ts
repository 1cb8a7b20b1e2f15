import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { protect } from '../../src/servers/node.ts'
import type { Gate } from '../../src/index.ts'
import type { LawExchange, LawHandler, LawServer } from '../../src/testing/http-laws.ts'
import { listen } from './loopback.ts'

/** The exchange of a law on a response of node:http. */
export function exchangeOf(req: IncomingMessage, res: ServerResponse): LawExchange {
  return {
    target: req.url ?? '',
    write: (part) => void res.write(part),
    end: (part) => void res.end(part),
  }
}

/** What a listener throws comes out of it, as it would without a gate: an error that ends the response. */
export function surviving(listener: RequestListener): RequestListener {
  return (req, res) => {
    try {
      listener(req, res)
    } catch {
      res.destroy()
    }
  }
}

export function start(gate: Gate, handle: LawHandler): Promise<LawServer> {
  return listen(createServer(surviving(protect((req, res) => handle(exchangeOf(req, res)), { gate }))))
}
