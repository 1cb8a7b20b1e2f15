import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { status } from '@grpc/grpc-js'
import { Rejection, semaphore, type Arrival } from '../../src/index.ts'
import {
  serverChannelOptions,
  serverInterceptor,
  type GrpcRequest,
  type ServerInterceptorOptions,
} from '../../src/grpc/index.ts'
import { byAddress, laneBy, trust, type Trust } from '../../src/http/index.ts'
import { gated, meta, recording } from './grpc-gates.ts'
import { HEALTH, KINDS, PATHS, serving, type Ask, type Handlers, type Kind } from './grpc-loopback.ts'

/** What the gate was asked for by one call. */
async function asked(options: ServerInterceptorOptions, ask: Ask = {}, kind: Kind = 'unary'): Promise<Arrival> {
  const { gate, arrivals } = recording()
  await serving({ server: gated({ gate, ...options }) }, async (caller) => {
    assert.equal((await caller.ask(kind, ask)).code, status.OK)
  })
  assert.equal(arrivals.length, 1)
  return arrivals[0]!
}

describe('sluice/grpc serverInterceptor, what a call asks for', () => {
  it('an ordinary call asks for nothing special, and all four kinds are served', async () => {
    const { gate, arrivals } = recording()
    await serving({ server: gated({ gate }) }, async (caller) => {
      const texts: (readonly string[])[] = []
      for (const kind of KINDS) texts.push((await caller.ask(kind)).texts)
      assert.deepEqual(texts, [['a'], ['a'], ['a0', 'a1', 'a2'], ['a']])
    })
    assert.deepEqual(arrivals, [{}, {}, {}, {}])
  })

  it('S1.11 the deadline of the call is that of the arrival, on the clock of the gate', async () => {
    const { deadline } = await asked({}, { deadline: Date.now() + 5000 })
    const left = deadline! - performance.now()
    assert.ok(left > 3000 && left < 5100, `${left} ms left of 5,000`)
  })

  it('`deadline` bounds what the client says, and only shortens', async () => {
    const bounded = await asked({ deadline: 1000 }, { deadline: Date.now() + 60_000 })
    const own = await asked({ deadline: 60_000 }, { deadline: Date.now() + 1000 })
    const none = await asked({ deadline: 1000 })
    for (const { deadline } of [bounded, own, none]) {
      const left = deadline! - performance.now()
      assert.ok(left > 0 && left < 1050, `${left} ms left of 1,000`)
    }
  })

  it('a clock that was set back refuses nobody', async () => {
    const { deadline } = await asked({ wallClock: () => Date.now() + 3_600_000 }, { deadline: Date.now() + 5000 })
    assert.equal(deadline, undefined)
  })

  it('rules put methods in lanes; health and reflection go round the gate', async () => {
    const { gate, arrivals } = recording(new Rejection('shed', 'g', 1, 0))
    const classify = laneBy<GrpcRequest>([
      { lane: 'critical', path: PATHS.collect },
      { lane: 'high', path: PATHS.unary },
      { lane: 'low', path: '/sluice.test.Notes/*' },
    ])
    await serving({ server: gated({ gate, classify }) }, async (caller) => {
      const codes: number[] = []
      for (const kind of KINDS) codes.push((await caller.ask(kind)).code)
      assert.deepEqual(codes, [status.UNAVAILABLE, status.OK, status.UNAVAILABLE, status.UNAVAILABLE])
      assert.equal((await caller.ask('unary', { path: HEALTH })).code, status.OK)
    })
    assert.deepEqual(
      arrivals.map(({ priority }) => priority),
      [3, 0, 0],
    )
  })

  it('`bypass` decides who goes round the gate instead', async () => {
    const { gate } = recording(new Rejection('shed', 'g', 1, 0))
    await serving({ server: gated({ gate, bypass: ({ path }) => path === PATHS.chat }) }, async (caller) => {
      assert.equal((await caller.ask('chat')).code, status.OK)
      assert.equal((await caller.ask('unary', { path: HEALTH })).code, status.UNAVAILABLE)
    })
  })

  it('what a client says raises no priority and forges no address, unless its peer is trusted', async () => {
    const metadata = meta({ priority: 'u=0', 'x-forwarded-for': '203.0.113.9', 'x-request-timeout': '2' })
    const spoofed = await asked({ key: byAddress }, { metadata })
    assert.deepEqual(spoofed, { priority: 2, flow: '127.0.0.1' })
    const trusted = await asked({ key: byAddress, trust: trust(['loopback']) }, { metadata })
    assert.deepEqual([trusted.priority, trusted.flow], [3, '203.0.113.9'])
    assert.ok(trusted.deadline! - performance.now() < 2001)
  })

  it('a key of the application, a cost, an arrival', async () => {
    const metadata = meta({ tenant: 'acme', 'grpc-previous-rpc-attempts': '2' })
    const byTenant = await asked(
      { key: ({ request }) => String(request.metadata.get('tenant')[0]), cost: ({ request }) => 1 + request.attempts },
      { metadata },
    )
    assert.deepEqual(byTenant, { priority: 2, flow: 'acme', cost: 3 })
    const own = await asked({ arrival: ({ path, peer }) => ({ flow: `${path} ${peer}` }) })
    assert.deepEqual(own, { flow: `${PATHS.unary} 127.0.0.1` })
  })

  it('what an option throws ends the call with UNKNOWN, tells nothing and takes nothing', async () => {
    const gate = semaphore({ permits: 5 })
    const wrong: readonly ServerInterceptorOptions[] = [
      { gate, cost: () => -1 },
      {
        gate,
        classify: () => {
          throw new Error('a secret')
        },
      },
      {
        gate,
        bypass: () => {
          throw new Error('a secret')
        },
      },
    ]
    for (const options of wrong)
      await serving({ server: gated(options) }, async (caller) => {
        for (const kind of KINDS) {
          const { code, details } = await caller.ask(kind)
          assert.deepEqual([code, details], [status.UNKNOWN, 'Unknown error'])
        }
      })
    assert.equal(gate.stats.inflight, 0)
  })

  it('options out of range are named', () => {
    assert.throws(() => serverInterceptor({ timeout: 0 }), /timeout: /)
    assert.throws(() => serverInterceptor({ deadline: -1 }), /deadline: /)
    assert.throws(() => serverInterceptor({ trust: ['nobody'] as unknown as Trust }), /trust: /)
    assert.throws(() => serverChannelOptions({ maxConcurrentStreams: 0 }), /maxConcurrentStreams: /)
  })

  it('without a gate it is a limiter named grpc, which counts', async () => {
    const interceptor = serverInterceptor()
    assert.equal(interceptor.gate.name, 'grpc')
    await serving({ server: { interceptors: [interceptor] } }, async (caller) => void (await caller.ask('unary')))
    assert.equal(interceptor.tally?.admissions, 1)
    assert.equal(serverInterceptor({ gate: semaphore({ permits: 1 }) }).tally, undefined)
  })

  it('dryRun lets everybody in and counts whom it would not have', async () => {
    const interceptor = serverInterceptor({ gate: semaphore({ permits: 1 }), dryRun: true })
    let most = 0
    let live = 0
    const handlers: Handlers = {
      unary: (_call, answer) => {
        most = Math.max(most, ++live)
        if (live === 3) for (let left = 3; left > 0; left--) waiting.shift()!()
        else waiting.push(() => answer(null, { text: String(live) }))
        if (live === 3) answer(null, { text: 'last' })
      },
    }
    const waiting: (() => void)[] = [() => undefined]
    await serving({ handlers, server: { interceptors: [interceptor] } }, async (caller) => {
      const endings = await Promise.all([caller.ask('unary'), caller.ask('unary'), caller.ask('unary')])
      assert.deepEqual(
        endings.map(({ code }) => code),
        [0, 0, 0],
      )
    })
    assert.equal(most, 3)
    assert.equal(interceptor.tally?.rejections, 2)
  })
})
