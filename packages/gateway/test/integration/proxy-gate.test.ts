import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Plan } from '../../src/config/index.ts'
import { scene, until } from './proxy-rig.ts'

const GET = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'

describe('the gate before the proxy', () => {
  for (const [what, plan, code, retryAfter] of [
    ['a full queue', { capacity: 0, maxWait: 1000, threshold: undefined }, 'QUEUE_FULL', 1],
    ['too long a wait', { capacity: 5, maxWait: 50, threshold: undefined }, 'QUEUE_TIMEOUT', 2],
    ['the reject threshold', { capacity: 5, maxWait: 1000, threshold: 1 }, 'SYSTEM_OVERLOAD', 5],
  ] as const)
    it(`S3.3 ${what} is a 503 ${code}, and the upstream never hears of the request`, async () => {
      await scene(async (stage) => {
        const answers: ServerResponse[] = []
        const port = await stage.upstream((_req, res) => void answers.push(res))
        const { capacity, maxWait, threshold } = plan
        const chosen: Plan = { kind: 'fixed', permits: 1, queue: { capacity, maxWait }, threshold }
        const gateway = await stage.gateway(port, { plan: chosen })
        const first = await stage.connect(gateway.port)
        const second = await stage.connect(gateway.port)
        first.send(GET)
        await until('the first at the upstream', () => answers.length === 1)
        second.send(GET)
        await until('a refusal', () => second.received().includes('\r\n\r\n'))
        assert.match(second.received(), /^HTTP\/1\.1 503 /)
        assert.match(second.received(), new RegExp(`\\r\\nretry-after: ${retryAfter}\\r\\n`, 'i'))
        assert.match(second.received(), new RegExp(`"success":false,"error":\\{"code":"${code}"`))
        answers[0]!.end('ok')
        await until('the first answer', () => first.received().includes('200 OK'))
        assert.equal(answers.length, 1)
        assert.equal(gateway.proxy.answered['2xx'], 1)
      })
    })

  it("S3.3 who waited over 100 ms is told so, beside the upstream's own headers", async () => {
    await scene(async (stage) => {
      const answers: ServerResponse[] = []
      const port = await stage.upstream((_req, res) => void answers.push(res))
      const gateway = await stage.gateway(port, {
        plan: { kind: 'fixed', permits: 1, queue: { capacity: 5, maxWait: 5000 }, threshold: undefined },
      })
      const first = await stage.connect(gateway.port)
      const second = await stage.connect(gateway.port)
      first.send(GET)
      await until('the first', () => answers.length === 1)
      second.send(GET)
      await until('the second to wait', () => gateway.gate?.stats.queued === 1)
      await sleep(150)
      answers[0]!.end()
      await until('the second', () => answers.length === 2)
      answers[1]!.setHeader('server-timing', 'db;dur=5').setHeader('set-cookie', ['a=1', 'b=2']).end()
      await until('its answer', () => second.received().includes('\r\n\r\n'))
      const [, seconds] = /x-queue-wait-time: (\d+\.\d{3})\r\n/i.exec(second.received()) ?? []
      assert.ok(Number(seconds) >= 0.15 && Number(seconds) < 3, second.received())
      assert.match(second.received(), /server-timing: db;dur=5\r\n/i)
      assert.match(second.received(), /set-cookie: a=1\r\nset-cookie: b=2\r\n/i)
      assert.match(second.received(), /server-timing: sluice;dur=/i)
      assert.doesNotMatch(first.received(), /x-queue-wait-time/i)
    })
  })

  it('S3.3 health and metrics paths pass by', async () => {
    await scene(async (stage) => {
      let answered = 0
      const port = await stage.upstream((req, res) => {
        if (req.url === '/health') res.end(`health ${++answered}`)
      })
      const gateway = await stage.gateway(port, {
        plan: { kind: 'fixed', permits: 1, queue: { capacity: 0, maxWait: 0 }, threshold: undefined },
      })
      const stuck = await stage.connect(gateway.port)
      stuck.send(GET)
      await until('the only slot to be taken', () => gateway.gate?.stats.inflight === 1)
      const probe = await stage.connect(gateway.port)
      probe.send('GET /health HTTP/1.1\r\nhost: a\r\n\r\n')
      await until('health', () => probe.received().includes('health 1'))
    })
  })

  it('without a gate everybody is let in', async () => {
    await scene(async (stage) => {
      const port = await stage.upstream((_req, res) => res.end('ok'))
      const gateway = await stage.gateway(port, { protect: false })
      assert.equal(gateway.gate, undefined)
      const client = await stage.connect(gateway.port)
      client.send(GET.repeat(50))
      await until('fifty answers', () => client.received().split('200 OK').length === 51)
    })
  })
})
