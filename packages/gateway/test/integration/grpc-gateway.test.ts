// Calls of gRPC through a gateway: client and server are those of @grpc/grpc-js, over HTTP/2 on both sides.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Metadata, status, type ServiceError, type StatusObject } from '@grpc/grpc-js'
import type { Gateway } from '../../src/gateway.ts'
import { freePort } from './free-port.ts'
import { Caller, echoServer, FAILURES, type EchoServer } from './grpc-rig.ts'
import { scene, until, type Scene } from './proxy-rig.ts'
import { plainGateway } from './tls-rig.ts'

const app = (port: number, more = ''): string =>
  `upstreams: { app: { http2: true, servers: [{ url: "http://127.0.0.1:${port}" }]${more} } }\n`

const isFree = (gateway: Gateway): boolean => gateway.snapshot().now.inflight === 0 && gateway.pending === 0

interface Cast {
  readonly server: EchoServer
  readonly gateway: Gateway
  readonly caller: Caller
}

async function called(more: string, prove: (cast: Cast, stage: Scene) => Promise<void>, upstream = ''): Promise<void> {
  await scene(async (stage) => {
    const server = await echoServer(stage)
    const gateway = await plainGateway(stage, app(server.port, upstream) + more)
    await prove({ server, gateway, caller: new Caller(stage, gateway.port) }, stage)
    await until('every slot to be free', () => isFree(gateway))
  })
}

describe('gRPC through the gateway', () => {
  it('unary: message, metadata of both ends, trailers; a status with its words', async () => {
    await called('', async ({ caller, gateway }) => {
      const metadata = new Metadata()
      metadata.set('x-mine', 'yes')
      const { text, head, status: told } = await caller.unary('say', 'you', { metadata })
      assert.deepEqual([text, told.code, head?.get('x-head')], ['hello you', status.OK, ['yes']])
      assert.deepEqual(told.metadata.get('x-late'), ['after'])
      assert.deepEqual(told.metadata.get('x-late-bin'), [Buffer.from([0, 255, 1])])
      const failed = await caller.unary('fail', String(status.NOT_FOUND))
      assert.deepEqual([failed.status.code, failed.status.details], [status.NOT_FOUND, 'no: 100 % näin'])
      assert.deepEqual(failed.status.metadata.get('x-why'), ['because'])
      await until('both to be counted', () => gateway.proxy.answered['2xx'] === 2)
    })
  })

  it('server streaming: 5,000 messages in order, and 5 MB to a reader that pauses', async () => {
    await called('', async ({ caller }) => {
      const many = caller.count(5000, 1)
      let next = 0
      for await (const text of many) assert.equal(String(text), String(next++))
      assert.equal(next, 5000)
      let bytes = 0
      let pauses = 0
      const large = caller.count(50, 100_000)
      const ended = new Promise<StatusObject>((resolve) => large.on('status', resolve))
      large.on('error', () => {})
      large.on('data', (text: string) => {
        bytes += text.length
        if (++pauses % 5 !== 0) return
        large.pause()
        setImmediate(() => large.resume())
      })
      assert.equal((await ended).code, status.OK)
      assert.equal(bytes, 5_000_000)
    })
  })

  it('client streaming: 1,000 messages, one answer', async () => {
    await called('', async ({ caller }) => {
      const sum = await new Promise<string | undefined>((resolve, reject) => {
        const call = caller.sum((error, text) => (error === null ? resolve(text) : reject(error)))
        for (let i = 0; i < 1000; i++) call.write(String(i))
        call.end()
      })
      assert.equal(sum, '499500')
    })
  })

  it('bidi: each side hears the other before it says the next, and either may end it', async () => {
    await called('', async ({ caller }) => {
      for (const last of ['bye', undefined]) {
        const call = caller.chat()
        const heard: string[] = []
        const ended = new Promise<StatusObject>((resolve) => call.on('status', resolve))
        call.on('error', () => {})
        call.on('data', (text: string) => {
          heard.push(text)
          if (heard.length < 20) call.write(String(heard.length))
          else if (last === undefined) call.end()
          else call.write(last)
        })
        call.write('0')
        assert.equal((await ended).code, status.OK)
        assert.deepEqual(
          heard,
          Array.from({ length: 20 }, (_, i) => `you said ${i}`),
        )
      }
    })
  })

  it('S1.4 a deadline and a cancel reach the upstream, and give the slot back', async () => {
    const LIMIT = 'limits: { default: { kind: fixed, limit: 1 } }\n'
    await called(LIMIT, async ({ caller, server, gateway }) => {
      const { status: late } = await caller.unary('hang', 'x', { deadline: 100 })
      assert.equal(late.code, status.DEADLINE_EXCEEDED)
      await until('the upstream to hear of it', () => server.cancelled.length === 1)
      await until('its slot', () => isFree(gateway))
      const call = caller.count(0, 0)
      call.on('error', () => {})
      await new Promise((resolve) => call.once('data', resolve))
      call.cancel()
      await until('the upstream to hear of that', () => server.cancelled.length === 2)
      await until('its slot', () => isFree(gateway))
      const chat = caller.chat()
      chat.on('error', () => {})
      chat.write('a')
      await new Promise((resolve) => chat.once('data', resolve))
      chat.cancel()
      await until('the upstream to hear of that, too', () => server.cancelled.length === 3)
      assert.equal((await caller.unary('say', 'next')).text, 'hello next')
    })
  })

  it('S3.3 who is refused is told in the terms of gRPC: UNAVAILABLE without room, RESOURCE_EXHAUSTED for a spent rate', async () => {
    const full = 'limits: { default: { kind: fixed, limit: 1, queue: { capacity: 0 } } }\n'
    await called(full, async ({ caller, server }) => {
      const held = caller.count(0, 0)
      held.on('error', () => {})
      await new Promise((resolve) => held.once('data', resolve))
      const { status: refused } = await caller.unary('say', 'x')
      assert.equal(refused.code, status.UNAVAILABLE)
      assert.match(refused.details, /^default refused: .* the queue is full; load 1, limit 0$/)
      const [pushback] = refused.metadata.get('grpc-retry-pushback-ms')
      assert.ok(Number(pushback) >= 1000 && Number(pushback) <= 2000, String(pushback))
      assert.match(String(refused.metadata.get('sluice-rejection')[0]), /^queue_full;gate="?default"?;load=1;limit=0$/)
      // Uploads that are refused, too: half a second later is not at once.
      const began = performance.now()
      const upload = await new Promise<ServiceError | null>((resolve) => {
        const call = caller.sum((error) => resolve(error))
        for (let i = 0; i < 100; i++) call.write('1'.repeat(10_000))
      })
      assert.equal(upload?.code, status.UNAVAILABLE)
      assert.ok(performance.now() - began < 400, 'at once')
      assert.deepEqual(server.heard, ['count'])
      held.cancel()
    })
    const rate = 'limits: { default: { kind: rate, requests: 1, per: 10s, burst: 1 } }\n'
    await called(rate, async ({ caller }) => {
      assert.equal((await caller.unary('say', 'x')).status.code, status.OK)
      assert.equal((await caller.unary('say', 'x')).status.code, status.RESOURCE_EXHAUSTED)
    })
  })

  it('what the gateway says itself is a status, too: no upstream, no route, one that dies in the middle', async () => {
    await called('', async ({ caller, server, gateway }) => {
      const call = caller.count(0, 0)
      const ended = new Promise<StatusObject>((resolve) => call.on('status', resolve))
      call.on('error', () => {})
      await new Promise((resolve) => call.once('data', resolve))
      server.cut()
      assert.notEqual((await ended).code, status.OK)
      await until('it to be free', () => isFree(gateway))
      const { status: gone } = await caller.unary('say', 'x')
      assert.equal(gone.code, status.UNAVAILABLE)
      assert.match(gone.details, /upstream/)
    })
    await scene(async (stage) => {
      const gateway = await plainGateway(
        stage,
        `${app(await freePort())}routes: [{ name: other, host: other.example, upstream: app }]\n`,
      )
      const { status: none } = await new Caller(stage, gateway.port).unary('say', 'x')
      assert.deepEqual([none.code, none.details], [status.UNIMPLEMENTED, 'no route of this gateway fits the request'])
    })
  })

  it('a status that says the upstream fails counts as one: the breaker opens', async () => {
    const breaker = ', breaker: { failures: 3, openFor: 60s }'
    await called(
      '',
      async ({ caller, server, gateway }) => {
        for (const code of FAILURES) assert.equal((await caller.unary('fail', String(code))).status.code, code)
        await until('the last to be over', () => isFree(gateway))
        const { status: open } = await caller.unary('say', 'x')
        assert.equal(open.code, status.UNAVAILABLE)
        assert.match(open.details, /breaker/)
        assert.equal(server.heard.length, 4)
      },
      breaker,
    )
  })

  for (const when of ['at once', 'late'])
    it(`S2.6 UNAVAILABLE that says when to come back narrows the door for so long: ${when}`, async () => {
      await called('limits: { default: { kind: fixed, limit: 100 } }\n', async ({ caller, server, gateway }) => {
        const held = Array.from({ length: 3 }, () => caller.count(0, 0).on('error', () => {}))
        await Promise.all(held.map((call) => new Promise((resolve) => call.once('data', resolve))))
        const { status: told } = await caller.unary('fail', `${status.UNAVAILABLE} 30000 ${when}`)
        assert.deepEqual([told.code, told.metadata.get('grpc-retry-pushback-ms')], [status.UNAVAILABLE, ['30000']])
        await until('it to be judged', () => gateway.tally.releasesBy.dropped === 1)
        const [below] = gateway.snapshot().upstreams
        assert.deepEqual([below!.narrowed, below!.refused, below!.mute, below!.link], [3, 1, 0, 'heard'])
        const { status: next } = await caller.unary('say', 'x')
        assert.equal(next.code, status.UNAVAILABLE)
        assert.match(next.details, /^upstream app refused: .*; load 4, limit 3$/)
        const [pushback] = next.metadata.get('grpc-retry-pushback-ms')
        assert.ok(Number(pushback) > 25_000 && Number(pushback) <= 60_000, String(pushback))
        assert.equal(server.heard.includes('say'), false)
        held.pop()!.cancel()
        await until('one place', () => gateway.snapshot().now.inflight === 2)
        assert.equal((await caller.unary('say', 'x')).text, 'hello x')
        for (const call of held) call.cancel()
      })
    })

  it('S2.6 RESOURCE_EXHAUSTED that says when to come back holds back whose quota it is', async () => {
    const keys = '{ greedy: { key: a-key-of-the-greedy }, other: { key: a-key-of-the-other } }'
    await called(`tenants: { from: api-key, keys: ${keys} }\n`, async ({ caller, server, gateway }) => {
      const as = (tenant: string): { readonly metadata: Metadata } => {
        const metadata = new Metadata()
        metadata.set('x-api-key', `a-key-of-the-${tenant}`)
        return { metadata }
      }
      const { status: told } = await caller.unary('fail', `${status.RESOURCE_EXHAUSTED} 30000`, as('greedy'))
      assert.equal(told.code, status.RESOURCE_EXHAUSTED)
      await until('it to be judged', () => gateway.tally.releasesBy.ignored === 1)
      const { status: next } = await caller.unary('say', 'x', as('greedy'))
      assert.equal(next.code, status.RESOURCE_EXHAUSTED)
      assert.match(next.details, /^upstream app refused/)
      assert.deepEqual(server.heard, ['fail'])
      assert.equal((await caller.unary('say', 'x', as('other'))).text, 'hello x')
    })
  })

  it('S2.6 a refusal that does not say when narrows nothing and shows as a broken link; one without hope narrows nothing', async () => {
    for (const [pushback, link] of [
      ['', 'broken'],
      [' -1', 'heard'],
    ])
      await called('', async ({ caller, gateway }) => {
        for (const code of [status.UNAVAILABLE, status.RESOURCE_EXHAUSTED])
          await caller.unary('fail', `${code}${pushback}`)
        await until('both to be judged', () => isFree(gateway))
        const [below] = gateway.snapshot().upstreams
        assert.deepEqual([below!.link, below!.refused, below!.narrowed], [link, 2, -1])
        assert.equal((await caller.unary('say', 'x')).text, 'hello x')
      })
  })
})
