import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { describe, it } from 'node:test'
import fastify from 'fastify'
import sluice from '../../src/servers/fastify.ts'
import { protect, type RequestHandler } from '../../src/servers/node.ts'
import { listen } from './loopback.ts'
import { until } from './waiting.ts'

/** Serves some requests one after the other, and says what came of them. */
async function serve(handler: RequestHandler, requests: number): Promise<ReturnType<typeof protect>> {
  const guarded = protect(handler, { limit: 10 })
  const { port, close } = await listen(createServer(guarded))
  try {
    for (let at = 0; at < requests; at++) await (await fetch(`http://127.0.0.1:${port}/`)).text()
    await until('all slots', () => guarded.gate.stats.inflight === 0)
  } finally {
    await close()
  }
  return guarded
}

describe('how a door on node:http hears of the end of a response', () => {
  it('from node:http, with no listener of its own once it has heard anything from there', async () => {
    const listeners: number[] = []
    const { tally } = await serve((_req, res) => {
      listeners.push(res.listenerCount('close'))
      res.end('hello')
    }, 5)
    assert.deepEqual(listeners, [1, 0, 0, 0, 0])
    assert.equal(tally?.releasesBy.success, 5)
  })

  it('from the response itself where no connection carries it', async () => {
    await serve((_req, res) => void res.end(), 1)
    const app = fastify()
    try {
      await app.register(sluice, { limit: 1 })
      app.get('/', () => 'hello')
      for (let at = 0; at < 3; at++) assert.equal((await app.inject('/')).body, 'hello')
      await until('its slot', () => app.sluice.gate.stats.inflight === 0)
      assert.equal(app.sluice.tally?.admissions, 3)
    } finally {
      await app.close()
    }
  })
})
