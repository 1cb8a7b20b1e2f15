// Doors with the faults that are most often made, which the laws must find.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { refuse } from '../../src/http/index.ts'
import type { Gate } from '../../src/index.ts'
import type { Permit } from '../../src/index.ts'
import type { LawHandler, LawServer } from '../../src/testing/http-laws.ts'
import { exchangeOf, surviving } from './http-laws-node.ts'
import { listen } from './loopback.ts'

type Watch = (req: IncomingMessage, res: ServerResponse, permit: Permit) => void

function starting(watch: Watch) {
  return (gate: Gate, handle: LawHandler): Promise<LawServer> =>
    listen(
      createServer(
        surviving((req, res) => {
          if (req.url?.startsWith('/health') === true) return handle(exchangeOf(req, res))
          gate.enter({}, (verdict) => {
            if (verdict.admitted) {
              watch(req, res, verdict)
              return handle(exchangeOf(req, res))
            }
            const { status, headers, body } = refuse(verdict)
            res.writeHead(status, headers).end(body)
          })
        }),
      ),
    )
}

/** Nobody thought of clients that leave. */
export const onFinishAlone: (gate: Gate, handle: LawHandler) => Promise<LawServer> = starting((_req, res, permit) => {
  res.on('finish', () => permit.release('success'))
})

/** The stream of the request closes when its body has been read. */
export const onRequestClose: (gate: Gate, handle: LawHandler) => Promise<LawServer> = starting((req, _res, permit) => {
  req.resume().on('close', () => permit.release('success'))
})
