// What may become of a request, and that no slot is lost over it: run for each client by the tests named after them.
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ClientOptions } from '../../src/clients/undici.ts'
import { RejectedError, type Millis } from '../../src/index.ts'
import { CLIENTS, tenSlots, upstream, type Asked, type Client, type Handler } from './clients-rig.ts'
import { freePort } from './free-port.ts'
import { until } from './waiting.ts'

/** Where nobody listens. */
let closedPort = 0

const LIMIT = 10

interface Row {
  readonly handle: Handler
  readonly options?: ClientOptions
  /** One request from its beginning to its end. Answers what came of it. */
  readonly one: (client: Client, url: string, index: number) => Promise<string>
  /** What must have come of them all. */
  readonly judge: (came: ReadonlyMap<string, number>, seen: number) => void
}

/** Long enough for ten of them to meet. */
const OK: Handler = (_request, response) => void setTimeout(() => response.end('hello'), 2)
const big = Buffer.alloc(100_000, 'x')

const finished = async (client: Client, url: string, asked?: Asked): Promise<string> => {
  const answer = await client.ask(url, asked)
  await answer.text()
  return String(answer.status)
}

/** Of two errors in a chain the first that has a name of its own. */
function nameOf(error: unknown): string {
  if (error instanceof RejectedError) return error.code
  const { name, code, cause } = error as { name?: string; code?: unknown; cause?: unknown }
  if (typeof code === 'string') return code
  return cause === undefined ? String(name) : nameOf(cause)
}

const all = (what: string) => (came: ReadonlyMap<string, number>) => assert.deepEqual([...came], [[what, total(came)]])

const total = (came: ReadonlyMap<string, number>): number => [...came.values()].reduce((sum, count) => sum + count, 0)

const pieces = (): Readable => Readable.from(Array.from({ length: 5 }, () => Buffer.alloc(1000)))

const soon = (delay: Millis): AbortSignal => {
  const controller = new AbortController()
  setTimeout(() => controller.abort(), delay)
  return controller.signal
}

/** No throttle and no budget, for what is counted here is slots. */
const BARE: ClientOptions = { gate: tenSlots, throttle: false, retryBudget: false, maxHold: 20_000 }

const paused = (headers: (count: number) => Record<string, string>): Row => {
  let count = 0
  return {
    handle(request, response) {
      // Every hundredth is told to come back; the pause is short, for there are ten of them.
      const told = ++count % 100 === 0
      response.writeHead(told ? 429 : 200, told ? headers(count) : {})
      OK(request, response)
    },
    options: { maxPause: 60 },
    one: (client, url) => finished(client, url),
    judge: (came) => {
      assert.equal(came.get('429'), total(came) / 100)
      assert.equal(came.get('200'), 0.99 * total(came))
    },
  }
}

/** The rows that differ with what stands between the client and the connection. */
const ESSENTIAL: ReadonlySet<string> = new Set([
  'served, and read to the end',
  'called off while queued',
  'called off in the middle of its body',
  'reset by the server in the middle of its body',
  'its body never read, then dropped',
  'out of time while queued or on its way',
  'paused by retry-after-ms',
])

const ROWS: Readonly<Record<string, Row>> = {
  'served, and read to the end': { handle: OK, one: (client, url) => finished(client, url), judge: all('200') },
  'served, and a small body never read': {
    handle: OK,
    one: async (client, url) => String((await client.ask(url)).status),
    judge: all('200'),
  },
  'HEAD and 204': {
    handle: (request, response) => void response.writeHead(request.method === 'HEAD' ? 200 : 204).end(),
    one: async (client, url, index) => {
      const { status } = await client.ask(url, { method: index % 2 === 0 ? 'HEAD' : 'DELETE' })
      return String(status)
    },
    judge: (came) => assert.deepEqual([came.get('200'), came.get('204')], [total(came) / 2, total(came) / 2]),
  },
  'called off while queued': {
    handle: (_request, response) => void setTimeout(() => response.end('hello'), 5),
    one: (client, url, index) => finished(client, url, index % 10 === 0 ? {} : { signal: soon(2) }),
    judge: (came) => {
      assert.equal(came.get('200'), total(came) / 10)
      assert.equal(came.get('200')! + (came.get('AbortError') ?? 0) + (came.get('20') ?? 0), total(came))
    },
  },
  'called off before it begins': {
    handle: OK,
    one: (client, url) => finished(client, url, { signal: AbortSignal.abort(new RangeError('not now')) }),
    judge: (came, seen) => {
      all('RangeError')(came)
      assert.equal(seen, 0)
    },
  },
  'called off on its way, without an answer': {
    handle: () => undefined,
    one: (client, url) => finished(client, url, { signal: soon(5) }),
    judge: (came) => assert.equal((came.get('AbortError') ?? 0) + (came.get('20') ?? 0), total(came)),
  },
  'called off in the middle of its body': {
    handle: (_request, response) => void response.write(big),
    one: async (client, url) => {
      const controller = new AbortController()
      const answer = await client.ask(url, { signal: controller.signal })
      const reading = answer.text()
      controller.abort(new RangeError('enough'))
      return await reading
    },
    judge: all('RangeError'),
  },
  'reset by the server before it answers': {
    handle: (request) => void request.socket.resetAndDestroy(),
    one: (client, url) => finished(client, url),
    judge: (came) => assert.equal((came.get('ECONNRESET') ?? 0) + (came.get('UND_ERR_SOCKET') ?? 0), total(came)),
  },
  'reset by the server in the middle of its body': {
    handle(request, response) {
      response.writeHead(200, { 'content-length': '1000' })
      response.write('hello', () => request.socket.destroy())
    },
    one: (client, url) => finished(client, url),
    judge: (came) => assert.equal(came.get('200'), undefined),
  },
  'left after the first piece of its body': {
    handle: (_request, response) => void response.write(big),
    one: async (client, url) => {
      await (await client.ask(url)).leave()
      return 'left'
    },
    judge: all('left'),
  },
  'its body never read, then dropped': {
    handle: (_request, response) => void response.end(big),
    one: async (client, url) => {
      const answer = await client.ask(url)
      await sleep(1)
      await answer.drop()
      return 'left'
    },
    judge: all('left'),
  },
  'no connection to be had': {
    handle: OK,
    one: (client, url) => finished(client, url.replace(/:\d+\//, `:${closedPort}/`)),
    judge: all('ECONNREFUSED'),
  },
  'out of time while queued or on its way': {
    handle: () => undefined,
    options: { deadline: 20 },
    one: (client, url) => finished(client, url),
    judge: all('deadline'),
  },
  'out of time in the middle of its body': {
    handle: (_request, response) => void response.write(big),
    options: { deadline: 300 },
    one: (client, url) => finished(client, url),
    judge: all('deadline'),
  },
  'with a body that is sent in pieces': {
    handle(request, response) {
      let length = 0
      request.on('data', (piece: Buffer) => (length += piece.length)).on('end', () => response.end(String(length)))
    },
    async one(client, url) {
      const answer = await client.ask(url, { method: 'POST', body: pieces(), duplex: 'half' })
      return answer.text()
    },
    judge: all('5000'),
  },
  'paused by retry-after in seconds': paused(() => ({ 'retry-after': '1' })),
  'paused by retry-after as a date': paused(() => ({ 'retry-after': new Date(Date.now() + 1500).toUTCString() })),
  'paused by retry-after-ms': paused(() => ({ 'retry-after-ms': '40' })),
  'paused by RateLimit': paused(() => ({ ratelimit: '"api";r=0;t=1' })),
}

/** @param rows all of them, or fewer requests of the essential ones for a client that differs little from another */
export function slotRows(name: string, rows: 'all' | 'essential'): void {
  const make = CLIENTS[name]!
  const requests = rows === 'all' ? 1000 : 300
  describe(`slots of ${name}`, { concurrency: false }, () => {
    let tried = 0
    let lost = 0
    let most = 0
    before(async () => {
      closedPort = await freePort()
    })

    for (const [row, { handle, options, one, judge }] of Object.entries(ROWS))
      if (rows === 'all' || ESSENTIAL.has(row))
        it(`${row}: ${requests} requests, no slot lost`, async () => {
          const client = make({ ...BARE, ...options })
          const up = await upstream(handle)
          const came = new Map<string, number>()
          try {
            await Promise.all(
              Array.from({ length: requests }, async (_, index) => {
                const what = await one(client, up.url, index).catch(nameOf)
                came.set(what, (came.get(what) ?? 0) + 1)
              }),
            )
            tried++
            await until('every slot to come back', () => held(client) === 0).catch(() => undefined)
            lost += held(client)
            assert.equal(held(client), 0, 'slots lost')
            judge(came, up.seen)
            if (EARLY.test(row)) return
            most = Math.max(most, up.peak)
            assert.ok(up.peak <= LIMIT, `${up.peak} at once`)
          } finally {
            await client.close()
            await up.close()
          }
        })

    it('in all', (t) => {
      t.diagnostic(`${name}: ${tried} × ${requests} requests, ${lost} slots lost, at most ${most} at once of ${LIMIT}`)
      assert.deepEqual([lost, most], [0, LIMIT])
    })
  })
}

/** The caller leaves before the server knows: then a slot is free here before it is there. */
const EARLY = /called off|left|dropped|out of time/

function held({ origins }: Client): number {
  return [...origins].reduce((sum, { stats }) => sum + stats.inflight + stats.queued, 0)
}
