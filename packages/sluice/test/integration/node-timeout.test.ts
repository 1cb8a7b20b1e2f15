import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { connect, type Connection } from './loopback.ts'
import { noNode, withChild, type UntilReport } from './node-children.ts'
import type { Late } from './node-timeout-server.ts'
import { until } from './waiting.ts'

const GET = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: loopback\r\n\r\n`
const BODY =
  '{"success":false,"error":{"code":"DEADLINE_EXCEEDED","message":"late refused: it could not have been answered in time","retry_after":null}}'

async function asked(port: number, head: string): Promise<Connection> {
  const client = await connect(port)
  client.send(head)
  return client
}

// Several at a time, each with a server of its own: they wait for time to be up.
for (const major of [20, 22, 24])
  describe(`sluice/node, a handler over its time, Node ${major}`, { skip: noNode(major), concurrency: 3 }, () => {
    const on = (prove: (port: number, until: UntilReport<Late>) => Promise<void>): Promise<void> =>
      withChild<Late>('node-timeout-server.js', major, ({ port }, report) => prove(port, report))

    it('S1.6 gets 504, its slot comes back at once, and it is a zombie until it ends', async () => {
      await on(async (port, report) => {
        const client = await asked(port, GET('/writes'))
        await until('504', () => client.received().endsWith(BODY))
        assert.match(client.received(), /^HTTP\/1\.1 504 Gateway Timeout\r\n/)
        assert.doesNotMatch(client.received(), /retry-after|content-encoding|etag/i)
        const { inflight, outcomes, zombies } = await report('the slot', (now) => now.inflight === 0)
        assert.deepEqual([inflight, outcomes, zombies], [0, ['dropped'], 1])
        // The connection goes on; the slot is there for the next.
        client.send(GET('/quick'))
        await until('the next answer', () => client.received().endsWith('quick'))
        // The handler goes on too, and harms nobody.
        const { events } = await report('the end of the handler', (now) => now.events.includes('ended'))
        assert.deepEqual(events.toSorted(), ['callback', 'done', 'ended', 'write false'])
        await report('the end of the zombie', (now) => now.zombies === 0)
        client.send(GET('/quick'))
        await until('a third answer', () => client.received().split('quick').length === 3)
        assert.doesNotMatch(client.received(), /late'|x-late/)
        client.leave()
      })
    })

    it('S1.6 a response that had begun is cut off', async () => {
      await on(async (port, report) => {
        const client = await asked(port, GET('/begun'))
        await until('the end of the connection', () => client.closed)
        assert.match(client.received(), /part one/)
        assert.doesNotMatch(client.received(), /part two|504/)
        const { events } = await report('the end of the handler', (now) => now.events.includes('done'))
        assert.deepEqual(events, ['done'])
        await report('nothing left', (now) => now.inflight === 0 && now.zombies === 0)
      })
    })

    it('S1.6 a stream that is piped into the response ends, and the process lives', async () => {
      await on(async (port, report) => {
        const client = await asked(port, GET('/stream'))
        await until('504', () => client.received().endsWith(BODY))
        const { events } = await report('the end of the pipeline', (now) => now.events.length > 0)
        assert.match(events.join(), /^pipeline: /)
        await report('the end of the zombie', (now) => now.zombies === 0)
        client.send(GET('/quick'))
        await until('the next answer', () => client.received().endsWith('quick'))
        client.leave()
      })
    })

    it('S1.6 an upload that is cut short is answered before its connection ends', async () => {
      await on(async (port, report) => {
        const client = await asked(port, 'POST /upload HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\nhello')
        await until('504', () => client.received().includes(BODY))
        assert.match(client.received(), /connection: close/i)
        await until('the end of the connection', () => client.closed)
        const { events } = await report('the end of the handler', (now) => now.zombies === 0)
        assert.deepEqual(events, ['read 5', 'upload: AbortError'])
      })
    })

    it('S1.6 what it throws later surfaces once, as without a gate', async () => {
      await on(async (port, report) => {
        const client = await asked(port, GET('/throws'))
        await until('504', () => client.received().endsWith(BODY))
        const { events, outcomes } = await report('the error', (now) => now.events.length > 0)
        assert.deepEqual([events, outcomes], [['unhandledRejection: late'], ['dropped']])
        client.leave()
      })
    })

    it('S1.6 its signal is aborted, when the time is up and when the client leaves', async () => {
      await on(async (port, report) => {
        const late = await asked(port, GET('/heeds'))
        await until('504', () => late.received().endsWith(BODY))
        const first = await report('the abort', (now) => now.events.length === 2)
        assert.deepEqual(first.events, ['same true', 'TimeoutError: the handler took too long'])
        assert.equal(first.zombies, 0)
        const leaving = await asked(port, GET('/heeds'))
        await report('the handler', (now) => now.events.length === 3)
        leaving.leave()
        const { events } = await report('the abort', (now) => now.events.length === 4)
        assert.equal(events[3], 'AbortError: the client left')
        late.leave()
      })
    })

    it('S1.6 pipelined: each has its own time, and answers keep their order', async () => {
      await on(async (port, report) => {
        const client = await asked(port, GET('/never') + GET('/quick') + GET('/never'))
        await until('three answers', () => client.received().split('HTTP/1.1 ').length === 4)
        const statuses = [...client.received().matchAll(/HTTP\/1\.1 (\d{3})/g)].map((match) => match[1])
        await report('nothing left', (now) => now.inflight === 0)
        assert.deepEqual(statuses, ['504', '200', '504'])
        client.leave()
      })
    })
  })
