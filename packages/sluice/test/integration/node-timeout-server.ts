// Started as a child process, on each Node, by node-timeout.test.ts: handlers that do not stop when their time is up.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { protect, signalOf } from '../../src/servers/node.ts'
import { fifo, semaphore, type Outcome } from '../../src/index.ts'
import { listen } from './loopback.ts'

export interface Late {
  readonly port: number
  readonly inflight: number
  readonly zombies: number
  readonly outcomes: readonly Outcome[]
  /** What handlers did, and what reached the process. */
  readonly events: readonly string[]
}

const outcomes: Outcome[] = []
const events: string[] = []
const observer = { released: (_arrival: unknown, outcome: Outcome): void => void outcomes.push(outcome) }
const gate = semaphore({ permits: 1, queue: fifo({ maxWait: 60_000 }), name: 'late', observer })
/** Long after its time is up: what becomes of it meanwhile is looked at. */
const LATE = 600

const handlers: Readonly<Record<string, (req: IncomingMessage, res: ServerResponse) => unknown>> = {
  '/quick': (_req, res) => res.end('quick'),
  '/never': () => undefined,
  async '/writes'(_req, res) {
    res.setHeader('content-encoding', 'gzip')
    res.setHeader('etag', '"1"')
    await sleep(LATE)
    // Each of these throws, or emits an error nobody listens to, on a response that was answered.
    res.setHeader('x-late', '1')
    res.appendHeader('x-late', '2')
    res.removeHeader('etag')
    res.writeHead(200, { 'x-late': '3' })
    res.flushHeaders()
    events.push(`write ${res.write('late', () => events.push('callback'))}`)
    res.end('late', () => events.push('ended'))
    res.end()
    res.destroy()
    events.push('done')
  },
  async '/begun'(_req, res) {
    res.write('part one')
    await sleep(LATE)
    res.write('part two')
    res.end('part three')
    events.push('done')
  },
  '/stream': (_req, res) =>
    pipeline(
      Readable.from(
        (async function* () {
          await sleep(LATE)
          yield 'late'
          await sleep(20)
          yield 'later'
        })(),
      ),
      res,
    ).catch((error: Error) => events.push(`pipeline: ${error.message}`)),
  async '/upload'(req, res) {
    try {
      await pipeline(
        req,
        async (parts) => {
          for await (const part of parts) events.push(`read ${(part as Buffer).length}`)
        },
        { signal: signalOf(req) },
      )
    } catch (error) {
      events.push(`upload: ${(error as Error).name}`)
    }
    res.end('uploaded')
  },
  async '/throws'() {
    await sleep(LATE)
    throw new Error('late')
  },
  async '/heeds'(req, res) {
    const signal = signalOf(req)
    events.push(`same ${signal === signalOf(req)}`)
    await sleep(60_000, undefined, { signal }).catch(() => undefined)
    events.push(`${(signal.reason as Error).name}: ${(signal.reason as Error).message}`)
    res.end()
  },
}

process.on('uncaughtException', (error) => events.push(`uncaughtException: ${error.message}`))
process.on('unhandledRejection', (error) => events.push(`unhandledRejection: ${(error as Error).message}`))
process.on('disconnect', () => process.exit())
process.on('message', report)

const guarded = protect((req, res) => handlers[req.url ?? '']?.(req, res), { gate, timeout: 100 })
const { port } = await listen(createServer(guarded))
report()

function report(): void {
  const { zombies } = guarded
  process.send?.({ port, inflight: gate.stats.inflight, zombies, outcomes, events } satisfies Late)
}
