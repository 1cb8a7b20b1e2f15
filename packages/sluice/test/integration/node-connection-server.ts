// Started as a child process, on each Node, by node-connection.test.ts: handlers that answer when they are told to.
import { createServer, type ServerResponse } from 'node:http'
import { AsyncLocalStorage } from 'node:async_hooks'
import { openPipelines } from '../../src/http/index.ts'
import { protect } from '../../src/servers/node.ts'
import { semaphore } from '../../src/index.ts'
import { listen } from './loopback.ts'

export interface Crowd {
  readonly port: number
  /** How often the handler was called, in what order, and the most that were in its hands at once. */
  readonly served: number
  readonly order: string
  readonly most: number
  readonly inflight: number
  /** Requests that are held back, now and at most. */
  readonly held: number
  readonly mostHeld: number
  readonly connections: number
  /** Requests whose handler ran in the async context of another one. */
  readonly strangers: number
}

const gate = semaphore({ permits: 1_000_000, name: 'crowd' })
const context = new AsyncLocalStorage<string | undefined>()
const pending: ServerResponse[] = []
let [served, active, most, mostHeld, connections, strangers] = [0, 0, 0, 0, 0, 0]
let order = ''
let answering = false

const guarded = protect(
  (req, res) => {
    served++
    order += `${req.url} `
    most = Math.max(most, ++active)
    if (context.getStore() !== req.url) strangers++
    res.on('close', () => active--)
    pending.push(res)
  },
  { gate, ...(process.argv[2] !== undefined && { perConnection: Number(process.argv[2]) }) },
)
const server = createServer((req, res) => context.run(req.url, () => guarded(req, res)))
server.on('connection', (socket) => {
  connections++
  socket.on('close', () => connections--)
})
const { port } = await listen(server)
process.on('disconnect', () => process.exit())
process.on('message', (question) => {
  if (question === 'answer') answering = true
  report()
})
setInterval(() => {
  mostHeld = Math.max(mostHeld, held())
  if (answering) for (const res of pending.splice(0, 100)) res.end('x')
}, 1)
report()

function held(): number {
  let sum = 0
  for (const pipeline of openPipelines()) sum += pipeline.held
  return sum
}

function report(): void {
  const { inflight } = gate.stats
  const now = { port, served, order, most, inflight, held: held(), mostHeld, connections, strangers }
  process.send?.(now satisfies Crowd)
}
