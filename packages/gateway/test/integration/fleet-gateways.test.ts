import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Gateway } from '../../src/gateway.ts'
import { app, ask, gatewayOf, named, planOf } from './config-rig.ts'
import { scene, until, type Scene } from './proxy-rig.ts'
import { noRedis, RedisProcess } from './redis-process.ts'

const LIMIT = 4

async function redisFor(stage: Scene): Promise<RedisProcess> {
  const redis = await RedisProcess.start()
  stage.onEnd(() => redis.stop())
  return redis
}

function shared(redis: RedisProcess, port: number, onDown: string): string {
  return `${app(port)}redis: { url: "${redis.url}", lease: 500ms }
limits: { default: { kind: fixed, limit: ${LIMIT}, scope: fleet, onDown: ${onDown}, queue: { capacity: 100, maxWait: 5s } } }`
}

async function metricsOf({ adminPort }: Gateway): Promise<string> {
  return (await ask(adminPort, { path: '/metrics' })).body
}

describe('gateways with one limit', { skip: noRedis }, () => {
  it('S3.5 where nobody may wait, as many as the limit are let in all the same', async () => {
    await scene(async (stage) => {
      const redis = await redisFor(stage)
      const port = await stage.upstream((_req, res) => void setTimeout(() => res.end('done'), 300))
      const text = shared(redis, port, 'closed').replace('capacity: 100, maxWait: 5s', 'capacity: 0')
      const gateways = [await gatewayOf(stage, text), await gatewayOf(stage, text)]
      // A coordinator that has just started grants nothing before it knows what is in use.
      for (let served = 0, tries = 0; served < 2 && tries < 1000; tries++)
        served = (await Promise.all(gateways.map(({ port: at }) => ask(at)))).filter((end) => end.status === 200).length
      for (let burst = 0; burst < 2; burst++) {
        const all = await Promise.all(Array.from({ length: 40 }, async () => (await ask(gateways[burst]!.port)).status))
        assert.equal(all.filter((status) => status === 200).length, LIMIT)
      }
    })
  })

  it('S3.5 two of them are never over it together, and use all of it', async () => {
    await scene(async (stage) => {
      const redis = await redisFor(stage)
      let busy = 0
      let most = 0
      const port = await stage.upstream((_req, res) => {
        most = Math.max(most, ++busy)
        setTimeout(() => {
          busy--
          res.end('done')
        }, 5)
      })
      const gateways = [
        await gatewayOf(stage, shared(redis, port, 'closed')),
        await gatewayOf(stage, shared(redis, port, 'closed')),
      ]
      let served = 0
      const clients = gateways.flatMap((gateway) =>
        Array.from({ length: 20 }, async () => {
          for (let i = 0; i < 6; i++) if ((await ask(gateway.port)).status === 200) served++
        }),
      )
      await until('the two to know each other', () =>
        gateways.every((each) => each.snapshot().fleet[0]?.sessions === 2),
      )
      const views = gateways.map((gateway) => gateway.snapshot())
      assert.ok(views.every(({ fleet }) => fleet[0]!.total === LIMIT && fleet[0]!.up))
      assert.ok(views.some(({ instances }) => instances.some(({ name, count }) => name === 'others' && count === 1)))
      await Promise.all(clients)
      assert.equal(most, LIMIT)
      assert.equal(served, 240)
      assert.match(await metricsOf(gateways[0]!), /\nbackpressure_fleet_sessions\{limit="default"\} 2\n/)
    })
  })

  it('S3.5 control: two with limits of their own are over it', async () => {
    await scene(async (stage) => {
      let busy = 0
      let most = 0
      const port = await stage.upstream((_req, res) => {
        most = Math.max(most, ++busy)
        setTimeout(() => {
          busy--
          res.end()
        }, 20)
      })
      const local = `${app(port)}limits: { default: { kind: fixed, limit: ${LIMIT}, queue: { capacity: 100 } } }`
      const gateways = [await gatewayOf(stage, local), await gatewayOf(stage, local)]
      await Promise.all(gateways.flatMap(({ port: at }) => Array.from({ length: 12 }, () => ask(at))))
      assert.ok(most > LIMIT)
    })
  })

  for (const [policy, status] of [
    ['share', 200],
    ['open', 200],
    ['closed', 503],
  ] as const)
    it(`S3.5 Redis gone: ${policy} decides, and says so in state, metric and header until it is back`, async () => {
      await scene(async (stage) => {
        const redis = await redisFor(stage)
        const port = await stage.upstream(named('a'))
        const gateway = await gatewayOf(stage, shared(redis, port, policy))
        await until('the store', () => gateway.snapshot().fleet[0]!.up)
        await served(gateway)
        const before = await ask(gateway.port)
        assert.equal(before.headers['sluice-degraded'], undefined)
        assert.equal(gateway.snapshot().state, 'ok')
        await redis.kill()
        // An instance that nobody asks anything does not ask either: somebody has to come for it to notice.
        let last = before
        for (let i = 0; i < 500 && last.headers['sluice-degraded'] === undefined; i++) {
          await sleep(10)
          last = await ask(gateway.port)
        }
        assert.equal(last.headers['sluice-degraded'], `fleet=${policy}`)
        assert.equal(last.status, status)
        const { fleet } = gateway.snapshot()
        assert.deepEqual([fleet[0]!.up, fleet[0]!.policyInForce, fleet[0]!.policy], [false, true, policy])
        assert.notEqual(fleet[0]!.trouble, '')
        const metrics = await metricsOf(gateway)
        assert.match(metrics, /\nbackpressure_fleet_up\{limit="default"\} 0\n/)
        assert.match(
          metrics,
          new RegExp(`\\nbackpressure_fleet_policy_in_force\\{limit="default",policy="${policy}"\\} 1\\n`),
        )
        await redis.start()
        await served(gateway)
        await until('the policy to end', () => !gateway.snapshot().fleet[0]!.policyInForce)
        assert.equal((await ask(gateway.port)).headers['sluice-degraded'], undefined)
        assert.match(await metricsOf(gateway), /\nbackpressure_fleet_up\{limit="default"\} 1\n/)
      })
    })

  it('S3.5 starts without its Redis, by its policy, and takes it up when it comes', async () => {
    await scene(async (stage) => {
      const redis = await redisFor(stage)
      await redis.kill()
      const port = await stage.upstream(named('a'))
      const gateway = await gatewayOf(stage, shared(redis, port, 'open'))
      await served(gateway)
      assert.equal((await ask(gateway.port)).headers['sluice-degraded'], 'fleet=open')
      await redis.start()
      await served(gateway)
      await until('the store', () => gateway.snapshot().fleet[0]!.up && !gateway.snapshot().fleet[0]!.policyInForce)
    })
  })

  it('S3.5 a store that is not there does not read as there before anybody has come, and does once it is', async () => {
    await scene(async (stage) => {
      const redis = await redisFor(stage)
      await redis.kill()
      const port = await stage.upstream(named('a'))
      const rate = 'rate: { kind: rate, requests: 9, scope: fleet, onDown: closed }'
      const text = `${shared(redis, port, 'open').replace('limits: {', `limits: { ${rate},`)}
llm: { dialect: openai, limits: [{ model: m, rpm: 5 }], scope: fleet }
routes: [{ limits: [default, rate] }]`
      const gateway = await gatewayOf(stage, text)
      const { fleet, state } = gateway.snapshot()
      assert.equal(state, 'store-degraded')
      assert.deepEqual(
        fleet.map(({ up, policyInForce }) => [up, policyInForce]),
        [
          [false, false],
          [false, false],
        ],
      )
      for (const { trouble } of fleet) assert.match(trouble, /ECONNREFUSED/)
      const metrics = await metricsOf(gateway)
      assert.match(metrics, /\nbackpressure_fleet_up\{limit="default"\} 0\n/)
      assert.match(metrics, /\nbackpressure_llm_provider_store_up\{[^}]*\} 0\n/)
      await redis.start()
      await until('the store', () => gateway.snapshot().fleet.every(({ up, trouble }) => up && trouble === ''))
      assert.equal(gateway.snapshot().state, 'ok')
      await redis.kill()
      await until('it to be missed', () => gateway.snapshot().fleet.every(({ up }) => !up))
    })
  })

  it('S3.5 a new plan that does not touch the limit keeps its slots, one that takes it away gives them back', async () => {
    await scene(async (stage) => {
      const redis = await redisFor(stage)
      const port = await stage.upstream(named('a'))
      const text = shared(redis, port, 'closed')
      const [a, b] = [await gatewayOf(stage, text), await gatewayOf(stage, text)]
      await Promise.all([served(a), served(b)])
      await until('the two to know each other', () => b.snapshot().fleet[0]!.sessions === 2)
      await a.reload(planOf(`${text}\nroutes: [{ name: other }]`))
      assert.equal((await ask(a.port)).status, 200)
      assert.deepEqual([a.snapshot().fleet[0]!.lapses, a.snapshot().fleet[0]!.up], [0, true])
      await a.reload(planOf(app(port)))
      assert.deepEqual(a.snapshot().fleet, [])
      assert.equal((await ask(a.port)).status, 200)
      for (let i = 0; i < 500 && b.snapshot().fleet[0]!.sessions > 1; i++) await ask(b.port)
      assert.equal(b.snapshot().fleet[0]!.sessions, 1)
    })
  })

  it('S1.13 a rate by tenant is one for both of them', async () => {
    await scene(async (stage) => {
      const redis = await redisFor(stage)
      const port = await stage.upstream(named('a'))
      const text = `${app(port)}redis: { url: "${redis.url}" }
tenants: { from: api-key, keys: { acme: { key: acme-key-acme-key }, bcme: { key: bcme-key-bcme-key } } }
limits: { each: { kind: rate, requests: 3, per: 1h, by: tenant, scope: fleet, onDown: closed } }
routes: [{ limits: [each] }]`
      const gateways = [await gatewayOf(stage, text), await gatewayOf(stage, text)]
      const count = async (key: string): Promise<number> => {
        let served = 0
        for (let i = 0; i < 8; i++) {
          const { status } = await ask(gateways[i % 2]!.port, { headers: { 'x-api-key': key } })
          assert.ok(status === 200 || status === 429, String(status))
          if (status === 200) served++
        }
        return served
      }
      assert.equal(await count('acme-key-acme-key'), 3)
      assert.equal(await count('bcme-key-bcme-key'), 3)
    })
  })
})

/** Asks until somebody is let in or the policy decides: a fleet that has just met learns first who holds what. */
async function served(gateway: Gateway): Promise<void> {
  for (let i = 0; i < 300; i++) {
    const { status, headers } = await ask(gateway.port)
    if (status === 200 || headers['sluice-degraded'] === 'fleet=closed') return
    await sleep(10)
  }
  throw new Error('nobody was ever let in')
}
