// Started as a child process by drain.test.ts: a server of each kind, drained by signals or when it is told to.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import express from 'express'
import Koa from 'koa'
import { protect as protectExpress } from '../../src/servers/express.ts'
import { protect as protectKoa } from '../../src/servers/koa.ts'
import { drainOnSignal, protect } from '../../src/servers/node.ts'
import { readiness } from '../../src/http/index.ts'
import { fifo, semaphore } from '../../src/index.ts'
import { serverOf } from './http-laws-koa.ts'
import { listen } from './loopback.ts'

export interface Draining {
  readonly port: number
  readonly inflight: number
  readonly queued: number
  readonly ready: boolean
  readonly served: number
}

const [kind = '', within = '30000', notice = '0'] = process.argv.slice(2)
const gate = semaphore({ permits: 1, queue: fifo({ maxWait: 60_000 }), name: 'drained' })
const ready = readiness()
const pending: (() => void)[] = []
let served = 0
let answering = false

function work(answer: () => void): void {
  served++
  if (answering) answer()
  else pending.push(answer)
}

const kinds: Readonly<Record<string, () => Server>> = {
  node: () =>
    createServer(protect((_req: IncomingMessage, res: ServerResponse) => work(() => res.end('done')), { gate })),
  'express 5': () => ofExpress(express),
  'express 4': () => ofExpress(createRequire(import.meta.url)('express4') as typeof express),
  koa: () => {
    const app = new Koa()
    app.use(protectKoa({ gate }))
    app.use(async (ctx) => {
      await new Promise<void>((resolve) => work(resolve))
      ctx.body = 'done'
    })
    return serverOf(app)
  },
}

function ofExpress(version: typeof express): Server {
  const app = version()
  app.use(protectExpress({ gate }))
  app.get('/', (_req, res) => work(() => res.send('done')))
  return createServer(app)
}

const server = kinds[kind]!()
const { port } = await listen(server)
drainOnSignal(server, gate, { within: Number(within), notice: Number(notice), unready: () => ready.drain() })
process.on('disconnect', () => process.exit(99))
process.on('message', (question) => {
  if (question === 'answer') {
    answering = true
    for (const answer of pending.splice(0)) answer()
  }
  report()
})
report()

function report(): void {
  const { inflight, queued } = gate.stats
  process.send?.({ port, inflight, queued, ready: ready.ready, served } satisfies Draining)
}
