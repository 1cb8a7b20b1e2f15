import { createServer } from 'node:http'
import { describe, it } from 'node:test'
import { protect } from '../../src/servers/node.ts'
import { httpLaws } from '../../src/testing/http-laws.ts'
import { connect, listen } from './loopback.ts'

httpLaws(
  'sluice/node',
  { describe, it },
  {
    connect,
    start(gate, handle) {
      const guarded = protect(
        (_req, res) =>
          handle({
            write: (part) => void res.write(part),
            end: (part) => void res.end(part),
          }),
        { gate },
      )
      const server = createServer((req, res) => {
        // What a handler throws comes out of here, as it would without a gate.
        try {
          guarded(req, res)
        } catch {
          res.destroy()
        }
      })
      return listen(server)
    },
  },
)
