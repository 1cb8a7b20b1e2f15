// Chains of three over real sockets: gateway, gateway, and a service that Sluice protects.
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, it } from 'node:test'
import { semaphore, tokenBucket } from 'sluice'
import { protect } from 'sluice/node'
import type { Gateway } from '../../src/gateway.ts'
import { ask, type Answer } from './config-rig.ts'
import { scene, until, type Scene } from './proxy-rig.ts'

interface Chain {
  readonly outer: Gateway
  readonly inner: Gateway
  /** Requests that reached the service, refused ones included. */
  readonly arrived: () => number
  readonly service: { limit: number; busy: number; most: number }
}

/** What a link does to the answers that pass it. */
type Strip = (name: string) => boolean

/** A service of so many places that refuses the rest, behind two gateways that would let a hundred pass. */
async function chain(stage: Scene, places: number, strip?: Strip): Promise<Chain> {
  const service = { limit: places, busy: 0, most: 0 }
  const gate = semaphore({ name: 'service', permits: places })
  let arrived = 0
  const guarded = protect(
    (_req, res) => {
      service.most = Math.max(service.most, ++service.busy)
      setTimeout(() => {
        service.busy--
        res.end('done')
      }, 50)
    },
    { gate },
  )
  let port = await stage.upstream((req, res) => {
    arrived++
    guarded(req, res)
  })
  if (strip !== undefined) port = await stripping(stage, port, strip)
  const plan = { kind: 'fixed', permits: 100, queue: { capacity: 0, maxWait: 0 }, threshold: undefined } as const
  const inner = await stage.gateway(port, { plan })
  const outer = await stage.gateway(inner.port, { plan })
  return { outer, inner, arrived: () => arrived, service }
}

/** A proxy that loses headers, as badly kept ones do. */
async function stripping(stage: Scene, port: number, strip: Strip): Promise<number> {
  return await stage.upstream((req, res) => {
    const to = { host: '127.0.0.1', port, path: req.url, method: req.method, headers: req.headers }
    req.pipe(
      request(to, (answer) => {
        const kept = Object.entries(answer.headers).filter(([name]) => !strip(name))
        res.writeHead(answer.statusCode ?? 0, Object.fromEntries(kept))
        answer.pipe(res)
      }),
    )
  })
}

function many(count: number, port: number): Promise<Answer[]> {
  return Promise.all(Array.from({ length: count }, () => ask(port)))
}

const refused = (answers: readonly Answer[]): Answer[] => answers.filter(({ status }) => status === 503)

describe('pressure across services', () => {
  it('S2.6 overload at the bottom is refused at the outermost door within a round trip, with the bottom’s word', async () => {
    await scene(async (stage) => {
      const { outer, inner, arrived } = await chain(stage, 4)
      const first = await many(40, outer.port)
      // All the way up it says who refused, and when to come back.
      const bottom = refused(first).filter(({ headers }) => /gate="service"/.test(String(headers['sluice-rejection'])))
      assert.ok(bottom.length > 0)
      for (const { headers } of bottom) {
        assert.match(String(headers['ratelimit']), /^"service";r=0;t=\d+$/)
        assert.match(String(headers['ratelimit-policy']), /^"service";q=4;qu="concurrent-requests"$/)
      }
      for (const { headers } of refused(first)) assert.ok(Number(headers['retry-after-ms']) > 0)
      const before = arrived()
      const second = await many(40, outer.port)
      const sent = arrived() - before
      const served = second.filter(({ status }) => status === 200).length
      assert.ok(sent - served <= 6, `${sent} of 40 reached the bottom, which served ${served}`)
      const own = refused(second).filter(({ headers }) => /gate="upstream/.test(String(headers['sluice-rejection'])))
      assert.ok(own.length >= 40 - served - 6, `${own.length} were refused at the outermost door`)
      const told = Number(bottom[0]!.headers['retry-after-ms'])
      for (const { headers } of own) {
        const left = Number(headers['retry-after-ms'])
        assert.ok(left > 0 && left <= told, `${left} ms, of ${told}`)
        assert.ok(Number(headers['retry-after']) * 1000 >= left)
      }
      for (const gateway of [outer, inner]) {
        const [server] = gateway.snapshot().upstreams
        assert.ok(server!.narrowed >= 1 && server!.narrowed <= 6, `narrowed to ${server!.narrowed}`)
        assert.equal(server!.mute, 0)
      }
    })
  })

  it('S2.6 it eases: asked as much as it can do, the bottom is used to the full again', async () => {
    await scene(async (stage) => {
      const { outer, service } = await chain(stage, 8)
      await many(60, outer.port)
      let good = 0
      let asked = 0
      const until = performance.now() + 2500
      const loop = async (): Promise<void> => {
        while (performance.now() < until) {
          asked++
          if ((await ask(outer.port)).status === 200) good++
          else await sleep(20)
        }
      }
      service.most = 0
      await Promise.all(Array.from({ length: 8 }, loop))
      assert.ok(good > asked * 0.8, `${good} of ${asked} were served`)
      assert.equal(service.most, 8)
    })
  })

  it('S2.6 a spent quota holds back whose it is, until the very moment it was told', async () => {
    await scene(async (stage) => {
      let arrived = 0
      const guarded = protect((_req, res) => res.end('done'), {
        gate: tokenBucket({ name: 'quota', tokens: 1, per: 1000, capacity: 3 }),
      })
      const port = await stage.upstream((req, res) => {
        arrived++
        guarded(req, res)
      })
      const inner = await stage.gateway(port)
      const outer = await stage.gateway(inner.port)
      for (let at = 0; at < 3; at++) assert.equal((await ask(outer.port)).status, 200)
      const spent = await ask(outer.port)
      assert.equal(spent.status, 429)
      const told = Number(spent.headers['retry-after-ms'])
      const heard = performance.now()
      const before = arrived
      for (let at = 0; at < 20; at++) {
        const { status, headers } = await ask(outer.port)
        assert.equal(status, 429)
        assert.match(String(headers['sluice-rejection']), /^rate_limited;gate="upstream/)
        assert.ok(Number(headers['retry-after-ms']) <= told)
      }
      assert.equal(arrived, before)
      await sleep(told - (performance.now() - heard) + 10)
      assert.equal((await ask(outer.port)).status, 200)
    })
  })

  it('S2.6 who asks for the load is told the worst of what is below; who does not is told nothing', async () => {
    await scene(async (stage) => {
      const { outer } = await chain(stage, 4)
      const asking = { headers: { 'endpoint-load-metrics-format': 'JSON' } }
      // It is asked for now and then, and the way up is two such times.
      for (let at = 0; at < 8; at++) await many(2, outer.port)
      const { headers } = await ask(outer.port, asking)
      const [, metrics = ''] = /^JSON (\{.*\})$/.exec(String(headers['endpoint-load-metrics'])) ?? []
      const { application_utilization: load } = JSON.parse(metrics) as { application_utilization: number }
      // Of the gateway’s own hundred places one is in use.
      assert.ok(load >= 0.25 && load <= 1, metrics)
      const plain = await ask(outer.port)
      assert.equal(plain.headers['endpoint-load-metrics'], undefined)
      assert.equal(outer.snapshot().upstreams[0]!.link, 'heard')
    })
  })

  it('S2.6 a broken link shows: refusals that do not say when to come back', async () => {
    await scene(async (stage) => {
      const lost = new Set(['retry-after', 'retry-after-ms', 'ratelimit', 'endpoint-load-metrics'])
      const { inner, outer, arrived } = await chain(stage, 4, (name) => lost.has(name))
      const { length } = refused(await many(20, outer.port))
      assert.ok(length > 0)
      const [server] = inner.snapshot().upstreams
      assert.equal(server!.link, 'broken')
      assert.equal(server!.mute, length)
      assert.equal(server!.narrowed, -1)
      const metrics = await ask(inner.adminPort, { path: '/metrics' })
      assert.match(metrics.body, /backpressure_server_link_broken\{[^}]*\} 1/)
      // Nothing narrows the door: this is what the other tests are without their headers.
      const before = arrived()
      await many(20, outer.port)
      assert.equal(arrived() - before, 20)
      await until('the outer one to see it too', () => outer.snapshot().upstreams[0]!.link === 'broken')
    })
    // The control: the same with a whole link.
    await scene(async (stage) => {
      const { inner, outer } = await chain(stage, 4)
      await many(20, outer.port)
      assert.equal(inner.snapshot().upstreams[0]!.link, 'heard')
    })
  })
})
