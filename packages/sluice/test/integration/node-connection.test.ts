import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { protect } from '../../src/servers/node.ts'
import { connect, type Connection } from './loopback.ts'
import { noNode, withChild } from './node-children.ts'
import type { Crowd } from './node-connection-server.ts'
import { until } from './waiting.ts'

const SERVER = 'node-connection-server.js'
/** How many requests one read brings: 64 KiB. */
const READ = 65_536 / 'GET /1000 HTTP/1.1\r\nhost: a\r\n\r\n'.length
const gets = (count: number): string =>
  Array.from({ length: count }, (_, at) => `GET /${at} HTTP/1.1\r\nhost: a\r\n\r\n`).join('')
const paths = (count: number): string => Array.from({ length: count }, (_, at) => `/${at} `).join('')
const answered = (client: Connection): number => client.received().split('HTTP/1.1 200').length - 1

// A hundred on this Node, fewer on the others: they take seconds.
for (const major of [20, 22, 24]) {
  const crowd = process.versions.node.startsWith(`${major}.`) ? 100 : 20
  describe(`sluice/node, many requests on one connection, Node ${major}`, { skip: noNode(major) }, () => {
    it('of 1000 pipelined requests 32 are started at once, and all of them are served in order', async () => {
      await withChild<Crowd>(SERVER, major, async ({ port }, report) => {
        const client = await connect(port)
        client.send(gets(1000))
        const before = await report('the rest to be held back', (now) => now.held === 968 && now.served === 32)
        assert.deepEqual([before.served, before.most, before.inflight], [32, 32, 32])
        const { order, most, strangers } = await report.ask('answer', 'the last', (now) => now.served === 1000)
        await until('all answers', () => answered(client) === 1000)
        assert.equal(order, paths(1000))
        assert.deepEqual([most, strangers], [32, 0])
        await report('nothing left', (now) => now.inflight === 0 && now.held === 0)
        client.leave()
      })
    })

    it(`${crowd} such connections: none of ${crowd},000 is lost`, async () => {
      await withChild<Crowd>(SERVER, major, async ({ port }, report) => {
        const clients = await Promise.all(Array.from({ length: crowd }, () => connect(port)))
        for (const client of clients) client.send(gets(1000))
        await report('the rest to be held back', (now) => now.held === 968 * crowd && now.served === 32 * crowd)
        const stay = clients.slice(crowd / 2)
        for (const client of clients.slice(0, crowd / 2)) client.leave()
        await report('half of them to be gone', (now) => now.inflight === 16 * crowd && now.held === 484 * crowd)
        const { most } = await report.ask('answer', 'the last', (now) => now.inflight === 0 && now.held === 0)
        await until('all answers', () => stay.every((client) => answered(client) === 1000))
        assert.equal(most, 32 * crowd)
        for (const client of clients) client.leave()
      })
    })

    it('whoever pipelines more is not read any further, and served all the same', async () => {
      await withChild<Crowd>(SERVER, major, async ({ port }, report) => {
        const client = await connect(port)
        client.send(gets(20_000))
        const sent = performance.now()
        await report('some to be held back', (now) => now.held > 1000)
        const idle = performance.now() - sent
        const { order, most, mostHeld } = await report.ask('answer', 'the last', (now) => now.served === 20_000)
        await until('all answers', () => answered(client) === 20_000)
        assert.equal(order, paths(20_000))
        assert.equal(most, 32)
        // A thousand, and what one read more brings; and one more for each second that passed on a busy machine before.
        assert.ok(mostHeld < 4000 + Math.floor(idle / 1000) * READ, `${mostHeld} were held back at once`)
        client.leave()
      })
    })
  })
}

// On all Nodes at once: nothing happens for seconds.
describe('sluice/node, whoever pipelines more than is read', { concurrency: true }, () => {
  for (const major of [20, 22, 24])
    it(
      `Node ${major}: and when it leaves meanwhile, or is reset, that is found out within seconds`,
      { skip: noNode(major) },
      async () => {
        await withChild<Crowd>(SERVER, major, async ({ port }, report) => {
          const clients = [await connect(port), await connect(port)] as const
          for (const client of clients) client.send(gets(20_000))
          await report('some to be held back', (now) => now.held > 2000)
          clients[0].leave()
          clients[1].reset()
          const { most, served } = await report('nothing left', (now) => now.inflight === 0 && now.held === 0)
          assert.deepEqual([most, served], [64, 64])
        })
      },
    )
})

describe('sluice/node, perConnection', () => {
  it('is a whole number of at least 1, or Infinity', () => {
    for (const perConnection of [0, -1, 1.5, Number.NaN])
      assert.throws(() => protect(() => undefined, { perConnection }), /perConnection: expected a whole number/)
    for (const perConnection of [1, 32, Infinity]) protect(() => undefined, { perConnection })
  })
})
