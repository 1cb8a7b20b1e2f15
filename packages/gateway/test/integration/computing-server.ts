// Started as a child process by computing.test.ts: with or without a gate in front, every request computes for 5 ms once
// it is told to.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { protect } from 'sluice/node'

let duration = 0

function handler(_req: IncomingMessage, res: ServerResponse): void {
  for (const end = performance.now() + duration; performance.now() < end;) {
    // The loop stands still meanwhile.
  }
  res.end('computed')
}

process.on('message', () => (duration = 5))
process.on('disconnect', () => process.exit())
const server = createServer(process.argv[2] === 'bare' ? handler : protect(handler))
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
