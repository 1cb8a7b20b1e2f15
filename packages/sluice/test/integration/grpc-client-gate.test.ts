import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Metadata, status } from '@grpc/grpc-js'
import { defineGate, REFUSALS, Rejection, semaphore, type Arrival, type RejectionCode } from '../../src/index.ts'
import {
  clientInterceptor,
  localRejection,
  serverInterceptor,
  type ClientInterceptorOptions,
} from '../../src/grpc/index.ts'
import { cable } from './grpc-cable.ts'
import { counting, gatedBy, refusing, waiting } from './grpc-gates.ts'
import { Caller, KINDS, PATHS, serving, start } from './grpc-loopback.ts'
import { until } from './waiting.ts'

describe('sluice/grpc clientInterceptor, at the gate', () => {
  it('S1.11 no more calls at once than the gate allows, of any kind; control: without it all at once', async () => {
    for (const permits of [3, undefined]) {
      const { handlers, seen } = counting(5)
      const gate = waiting(permits ?? 1)
      const client = permits === undefined ? {} : gatedBy({ gate })
      await serving({ handlers, client }, async (caller) => {
        const endings = await Promise.all(Array.from({ length: 60 }, (_, index) => caller.ask(KINDS[index % 4]!)))
        assert.ok(endings.every(({ code }) => code === status.OK))
      })
      assert.equal(seen.served, 60)
      if (permits === undefined) assert.ok(seen.most > 30, `${seen.most} at once`)
      else assert.equal(seen.most, permits)
      assert.equal(gate.stats.inflight, 0)
    }
  })

  it('answers come back whole, after waiting too', async () => {
    const gate = waiting(1)
    await serving({ client: gatedBy({ gate }) }, async (caller) => {
      const held = await gate.acquire()
      const open = KINDS.map((kind) => caller.ask(kind))
      await until('all wait', () => gate.stats.queued === 4)
      held.release('success')
      const endings = await Promise.all(open)
      assert.deepEqual(
        endings.map(({ texts }) => texts),
        [['a'], ['a'], ['a0', 'a1', 'a2'], ['a']],
      )
    })
    assert.deepEqual(gate.stats, { limit: 1, inflight: 0, queued: 0 })
  })

  for (const code of Object.keys(REFUSALS) as RejectionCode[]) {
    if (code === 'cancelled') continue
    it(`a call refused with ${code} ends with ${REFUSALS[code].grpc}, and nothing of it is sent`, async () => {
      const rejection = new Rejection(code, 'outgoing', 101, 100)
      const running = await start({}, {})
      const wire = await cable(running.port)
      const heard: string[] = []
      const onReject: ClientInterceptorOptions['onReject'] = (refused, { path }) =>
        heard.push(`${refused.code} ${path}`)
      const caller = new Caller(wire.port, gatedBy({ gate: refusing(rejection), onReject }))
      try {
        for (const kind of KINDS) {
          const ended = await caller.ask(kind)
          assert.equal(status[ended.code], REFUSALS[code].grpc)
          assert.equal(ended.details, `not sent: outgoing refused: ${REFUSALS[code].means}; load 101, limit 100`)
          assert.equal(localRejection(ended.error), rejection)
          assert.match(String(ended.metadata.get('sluice-rejection')[0]), new RegExp(`^${code};gate="outgoing"`))
        }
        assert.equal(wire.connections, 0, 'not even a connection')
        assert.deepEqual(
          heard,
          KINDS.map((kind) => `${code} ${PATHS[kind]}`),
        )
      } finally {
        caller.close()
        await wire.close()
        running.close()
      }
    })
  }

  it('an error from the wire is no local rejection', async () => {
    const server = { interceptors: [serverInterceptor({ gate: refusing(new Rejection('queue_full', 'g', 2, 1)) })] }
    await serving({ server, client: gatedBy({}) }, async (caller) => {
      const { code, error } = await caller.ask('unary')
      assert.equal(code, status.UNAVAILABLE)
      assert.ok(error)
      assert.equal(localRejection(error), undefined)
    })
    for (const other of [undefined, null, 'x', new Error('x')]) assert.equal(localRejection(other), undefined)
  })

  it('tells the gate about each call', async () => {
    const arrivals: Arrival[] = []
    const { core } = semaphore({ permits: 1, name: 'seen' })
    const gate = defineGate({
      name: 'seen',
      pressure: core.pressure,
      stats: core.stats,
      enter: (arrival, mayWait) => {
        arrivals.push(arrival)
        return core.enter(arrival, mayWait)
      },
      close: () => undefined,
    })
    const client = gatedBy({
      gate,
      bypass: ({ path }) => path === PATHS.collect,
      classify: ({ path }) => (path === PATHS.feed ? 'critical' : path === PATHS.chat ? 'low' : undefined),
      key: ({ target, path }) => `${target.replace(/\d+$/, '')}${path}`,
      cost: ({ attempts }) => 1 + attempts,
    })
    await serving({ client }, async (caller) => {
      const metadata = new Metadata()
      metadata.set('grpc-previous-rpc-attempts', '2')
      for (const kind of KINDS) assert.equal((await caller.ask(kind, { metadata })).code, status.OK)
    })
    assert.deepEqual(arrivals, [
      { flow: `dns:127.0.0.1:${PATHS.unary}`, cost: 3 },
      { priority: 0, flow: `dns:127.0.0.1:${PATHS.chat}`, cost: 3 },
    ])
  })

  it('by default each target has a limiter of its own, and everything is counted', async () => {
    const interceptor = clientInterceptor()
    await serving({ client: { interceptors: [interceptor] } }, async (caller) => void (await caller.ask('unary')))
    await serving({ client: { interceptors: [interceptor] } }, async (caller) => void (await caller.ask('unary')))
    assert.equal(interceptor.gate.name, 'grpc-client')
    assert.equal(interceptor.gate.core.parts?.length, 2)
    assert.equal(interceptor.tally?.admissions, 2)
    assert.equal(interceptor.tally?.releasesBy.success, 2)
  })

  it('dryRun sends everything and counts what it would not have sent', async () => {
    const interceptor = clientInterceptor({ gate: refusing(new Rejection('queue_full', 'g', 2, 1)), dryRun: true })
    await serving({ client: { interceptors: [interceptor] } }, async (caller) => {
      for (const kind of KINDS) assert.equal((await caller.ask(kind)).code, status.OK)
    })
    assert.equal(interceptor.tally?.rejections, 4)
  })

  it('what an option throws surfaces where the call is made, with nothing taken', async () => {
    const gate = waiting(1)
    const client = gatedBy({
      gate,
      key: () => {
        throw new Error('no key')
      },
    })
    await serving({ client }, (caller) => {
      assert.throws(() => caller.open('unary'), /no key/)
      return Promise.resolve()
    })
    assert.equal(gate.stats.inflight, 0)
    assert.throws(() => clientInterceptor({ deadline: 0 }), /deadline: /)
    assert.throws(() => clientInterceptor({ maxPause: 0 }), /maxPause: /)
  })
})
