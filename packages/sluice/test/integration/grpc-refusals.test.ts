import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { status } from '@grpc/grpc-js'
import { fifo, REFUSALS, Rejection, retryBudget, seeded, semaphore, type RejectionCode } from '../../src/index.ts'
import { previousAttempts, pushbackOf, type RefusedCall, type ServerInterceptorOptions } from '../../src/grpc/index.ts'
import type { GrpcRequest } from '../../src/grpc/grpc-request.ts'
import { ServerEntrance } from '../../src/grpc/server-entrance.ts'
import { refuse } from '../../src/http/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import { gated, meta, recording } from './grpc-gates.ts'
import { decoded, KINDS, PATHS, serving, type Ask, type Ending, type Handlers } from './grpc-loopback.ts'
import { until } from './waiting.ts'

describe('sluice/grpc serverInterceptor, refusals', () => {
  for (const code of Object.keys(REFUSALS) as RejectionCode[]) {
    if (code === 'cancelled') continue
    it(`S1.11 ${code} is ${REFUSALS[code].grpc}, with pushback and sluice-rejection`, async () => {
      const rejection = new Rejection(code, 'quota', 101, 100)
      const server = gated({ gate: recording(rejection).gate, random: seeded(7) })
      await serving({ server }, async (caller) => {
        for (const kind of KINDS) {
          const { code: ended, details, metadata } = await caller.ask(kind)
          assert.equal(status[ended], REFUSALS[code].grpc, kind)
          assert.equal(details, `quota refused: ${REFUSALS[code].means}; load 101, limit 100`)
          assert.deepEqual(metadata.get('sluice-rejection'), [refuse(rejection).headers['sluice-rejection']])
          const { retryAfter } = REFUSALS[code]
          const pushback = pushbackOf(metadata)
          if (retryAfter === undefined) {
            assert.equal(pushback, 'never')
            assert.deepEqual(metadata.get('grpc-retry-pushback-ms'), ['-1'])
          } else assert.ok(Number(pushback) >= retryAfter && Number(pushback) <= 2 * retryAfter, String(pushback))
        }
      })
    })
  }

  it('spreads those refused together from once to twice the time, by chance', async () => {
    const server = gated({ gate: recording(new Rejection('queue_full', 'g', 2, 1, 500)).gate })
    await serving({ server }, async (caller) => {
      const told = new Set<number>()
      for (let count = 0; count < 50; count++) told.add(Number(pushbackOf((await caller.ask('unary')).metadata)))
      assert.ok(Math.min(...told) >= 500 && Math.max(...told) <= 1000)
      assert.ok(told.size > 25, `${told.size} different waits of 50`)
    })
  })

  it('refuses before the message is decoded; control: a handler that refuses has had it decoded', async () => {
    const refusing = gated({ gate: recording(new Rejection('queue_full', 'g', 2, 1)).gate })
    const before = decoded
    await serving({ server: refusing }, async (caller) => {
      for (const kind of KINDS)
        for (let count = 0; count < 5; count++) await caller.ask(kind, { text: 'x'.repeat(50_000) })
    })
    assert.equal(decoded, before)
    const handlers: Handlers = { unary: (_call, answer) => answer({ code: status.UNAVAILABLE }) }
    await serving({ handlers }, async (caller) => assert.equal((await caller.ask('unary')).code, status.UNAVAILABLE))
    assert.equal(decoded, before + 1)
  })

  it('onReject hears of each refusal and may put it in other words', async () => {
    const heard: string[] = []
    const onReject: ServerInterceptorOptions['onReject'] = ({ code }, { path }) => {
      heard.push(`${code} ${path}`)
      // As somebody writes it who has no types.
      if (path === PATHS.chat) return Promise.resolve() as unknown as undefined
      if (path !== PATHS.feed) return undefined
      return { code: status.ABORTED, details: 'come to the other counter', metadata: meta({ where: 'there' }) }
    }
    const server = gated({ gate: recording(new Rejection('shed', 'g', 2, 1)).gate, onReject })
    await serving({ server }, async (caller) => {
      assert.equal((await caller.ask('unary')).code, status.UNAVAILABLE)
      assert.equal((await caller.ask('chat')).code, status.UNAVAILABLE)
      const { code, details, metadata } = await caller.ask('feed')
      assert.deepEqual([code, details], [status.ABORTED, 'come to the other counter'])
      assert.deepEqual(metadata.get('where'), ['there'])
    })
    assert.deepEqual(heard, [`shed ${PATHS.unary}`, `shed ${PATHS.chat}`, `shed ${PATHS.feed}`])
  })

  it('onReject with a code that gRPC does not have: refused as ever, and the mistake surfaces by itself', () => {
    const clock = new VirtualClock()
    const rejection = new Rejection('shed', 'g', 2, 1)
    for (const code of [17, -1, 1.5, 'x'] as readonly unknown[]) {
      const onReject = (): RefusedCall => ({ code, details: '', metadata: meta({}) }) as unknown as RefusedCall
      const entrance = new ServerEntrance({ gate: recording(rejection).gate, clock, onReject })
      assert.equal(entrance.statusOf({} as GrpcRequest, rejection, true).code, status.UNAVAILABLE)
      assert.throws(() => clock.advance(1), /^RangeError: onReject\.code: expected a whole number from 0 to 16, got /)
    }
  })

  it('a closed gate refuses whoever waits and whoever comes', async () => {
    const gate = semaphore({ permits: 1, queue: fifo({ capacity: 10, maxWait: 10_000 }) })
    const held = await gate.acquire()
    await serving({ server: gated({ gate }) }, async (caller) => {
      const waiting = caller.ask('chat')
      await until('one that waits', () => gate.stats.queued === 1)
      gate.close()
      assert.match((await waiting).details, /shutting down/)
      assert.match((await caller.ask('unary')).details, /shutting down/)
    })
    held.release('success')
  })
})

describe('sluice/grpc serverInterceptor, retries', () => {
  it('S1.11 retries beyond the budget are refused and told never to come back; first attempts are not', async () => {
    const budget = retryBudget({ ratio: 0.1, reserve: 0 })
    const gate = semaphore({ permits: 100 })
    await serving({ server: gated({ gate, retryBudget: budget }) }, async (caller) => {
      const retry = { metadata: meta({ 'grpc-previous-rpc-attempts': '1' }) }
      const codes = async (count: number, ask?: Ask): Promise<Ending[]> =>
        Promise.all(Array.from({ length: count }, () => caller.ask('unary', ask)))
      assert.ok((await codes(55)).every(({ code }) => code === status.OK))
      const retried = await codes(20, retry)
      const refused = retried.filter(({ code }) => code === status.RESOURCE_EXHAUSTED)
      assert.equal(refused.length, 15, '55 first attempts pay for 5 retries')
      for (const { metadata } of refused) assert.equal(pushbackOf(metadata), 'never')
      assert.ok((await codes(5)).every(({ code }) => code === status.OK))
    })
  })

  it('on trial nobody is refused, neither for being a retry nor under degradation', async () => {
    const server = gated({
      gate: semaphore({ permits: 100 }),
      dryRun: true,
      retryBudget: retryBudget({ ratio: 0.1, reserve: 0 }),
      degradation: { steps: [], instead: () => ({ status: 503, headers: {}, body: '' }) },
    })
    await serving({ server }, async (caller) => {
      for (const attempts of ['0', '1', '2']) {
        const { code } = await caller.ask('unary', { metadata: meta({ 'grpc-previous-rpc-attempts': attempts }) })
        assert.equal(code, status.OK)
      }
    })
  })

  it('grpc-js itself obeys: after -1 it does not try again, after a wait it does', async () => {
    const config = {
      methodConfig: [
        {
          name: [{}],
          retryPolicy: {
            maxAttempts: 3,
            initialBackoff: '0.01s',
            maxBackoff: '0.02s',
            backoffMultiplier: 1,
            retryableStatusCodes: ['UNAVAILABLE', 'DEADLINE_EXCEEDED'],
          },
        },
      ],
    }
    const tries: number[] = []
    for (const code of ['queue_full', 'deadline'] as const) {
      let count = 0
      const onReject: ServerInterceptorOptions['onReject'] = (_rejection, { metadata, attempts }) => {
        assert.equal(previousAttempts(metadata), attempts)
        assert.equal(attempts, count++)
      }
      const server = gated({
        gate: recording(new Rejection(code, 'g', 2, 1, code === 'deadline' ? undefined : 10)).gate,
        onReject,
      })
      const client = { 'grpc.service_config': JSON.stringify(config) }
      await serving({ server, client }, async (caller) => void (await caller.ask('unary')))
      tries.push(count)
    }
    assert.deepEqual(tries, [3, 1])
  })
})
