// Started as a child process by node-errors.test.ts: a server whose handler fails, and a process that survives it.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { protect } from '../../src/servers/node.ts'
import { fifo, semaphore, type Outcome } from '../../src/index.ts'

export interface Surfaced {
  readonly port: number
  readonly inflight: number
  readonly queued: number
  readonly outcomes: readonly Outcome[]
  /** What reached the process, as `uncaughtException: message`. */
  readonly surfaced: readonly string[]
}

const outcomes: Outcome[] = []
const surfaced: string[] = []
const observer = { released: (_arrival: unknown, outcome: Outcome): void => void outcomes.push(outcome) }
const gate = semaphore({ permits: 1, queue: fifo({ maxWait: 60_000 }), name: 'errors', observer })
const held: ServerResponse[] = []

function handler(req: IncomingMessage, res: ServerResponse): unknown {
  switch (req.url) {
    case '/throw':
      throw new Error('thrown')
    case '/reject':
      return Promise.reject(new Error('rejected'))
    case '/reject-late':
      res.end('answered')
      return new Promise((_resolve, reject) => setImmediate(() => setImmediate(reject, new Error('rejected late'))))
    case '/hold':
      return held.push(res)
    default:
      return res.end('ok')
  }
}

process.on('uncaughtException', (error) => surfaced.push(`uncaughtException: ${error.message}`))
process.on('unhandledRejection', (error) => surfaced.push(`unhandledRejection: ${(error as Error).message}`))
process.on('disconnect', () => process.exit())
process.on('message', (question) => {
  if (question === 'let go') for (const res of held.splice(0)) res.end('held')
  report()
})

const server = createServer(protect(handler, { gate }))
server.listen(0, '127.0.0.1', report)

function report(): void {
  const { inflight, queued } = gate.stats
  const { port } = server.address() as AddressInfo
  process.send?.({ port, inflight, queued, outcomes, surfaced } satisfies Surfaced)
}
