// Started as a child process, on each Node, by node-pipelining.test.ts: a server whose handler answers when it is told
// to. `protect` is the adapter; `response-events` is what the adapter must not be: it listens to the response alone.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { protect } from '../../src/servers/node.ts'
import { semaphore } from '../../src/index.ts'

export interface Report {
  readonly port: number
  readonly inflight: number
  readonly queued: number
  readonly connections: number
  /** Requests that reached the handler so far. */
  readonly served: number
}

const gate = semaphore({ permits: 1_000_000, name: 'pipelined' })
const pending: ServerResponse[] = []
let served = 0
let connections = 0

function handler(req: IncomingMessage, res: ServerResponse): void {
  // Every other handler reads its request to the end, as body parsers do: such a request never says 'aborted'.
  if (++served % 2 === 0) req.resume()
  pending.push(res)
}

function onResponseEventsAlone(req: IncomingMessage, res: ServerResponse): void {
  const permit = gate.tryEnter()
  if (!permit.admitted) throw new Error('a million permits were not enough')
  res.on('finish', () => permit.release('success'))
  res.on('close', () => permit.release('ignored'))
  handler(req, res)
}

const server = createServer(process.argv[2] === 'protect' ? protect(handler, { gate }) : onResponseEventsAlone)
server.on('connection', (socket) => {
  connections++
  socket.on('close', () => connections--)
})
server.listen(0, '127.0.0.1', report)

function report(): void {
  const { port } = server.address() as AddressInfo
  const { inflight, queued } = gate.stats
  process.send?.({ port, inflight, queued, connections, served } satisfies Report)
}

process.on('message', (question) => {
  // Late: whoever asked is gone by now.
  if (question === 'answer') for (const res of pending.splice(0)) res.end('late')
  report()
})
process.on('disconnect', () => process.exit())
