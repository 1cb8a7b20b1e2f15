import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Metadata, status } from '@grpc/grpc-js'
import { breaker, keyed, retryBudget, semaphore, series } from '../../src/index.ts'
import {
  clientInterceptor,
  localRejection,
  pushbackOf,
  serverChannelOptions,
  serverInterceptor,
  type LoadReport,
} from '../../src/grpc/index.ts'
import { counting, gatedBy, waiting } from './grpc-gates.ts'
import { KINDS, PATHS, serving, type Handlers } from './grpc-loopback.ts'
import { until } from './waiting.ts'

describe('sluice/grpc clientInterceptor, a server in trouble', () => {
  it('a breaker in series stops calls that would fail; control: without it every one arrives', async () => {
    for (const guarded of [true, false]) {
      let served = 0
      const handlers: Handlers = {
        unary: (_call, answer) => {
          served++
          answer({ code: status.INTERNAL })
        },
      }
      const limited = semaphore({ permits: 10 })
      const gate = guarded ? series(breaker({ name: 'orders' }), limited) : limited
      await serving({ handlers, client: gatedBy({ gate }) }, async (caller) => {
        const codes = new Map<string, number>()
        for (let count = 0; count < 30; count++) {
          const { code } = await caller.ask('unary')
          codes.set(status[code], (codes.get(status[code]) ?? 0) + 1)
        }
        assert.deepEqual(Object.fromEntries(codes), guarded ? { INTERNAL: 5, UNAVAILABLE: 25 } : { INTERNAL: 30 })
      })
      assert.equal(served, guarded ? 5 : 30)
    }
  })

  it('by key each target has a breaker of its own', async () => {
    const gate = keyed(
      ({ flow }) => flow,
      () => series(breaker(), semaphore({ permits: 10 })),
    )
    const interceptors = [clientInterceptor({ gate })]
    const failing: Handlers = { unary: (_call, answer) => answer({ code: status.INTERNAL }) }
    await serving({ handlers: failing, client: { interceptors } }, async (bad) => {
      await serving({ client: { interceptors } }, async (good) => {
        for (let count = 0; count < 10; count++) await bad.ask('unary')
        assert.equal((await bad.ask('unary')).code, status.UNAVAILABLE)
        assert.equal((await good.ask('unary')).code, status.OK)
      })
    })
  })

  /** A server that says once to come back in `wait` ms, and serves all others. */
  function pushingBack(wait: string): { readonly handlers: Handlers; readonly arrived: number[] } {
    const arrived: number[] = []
    const metadata = new Metadata()
    metadata.set('grpc-retry-pushback-ms', wait)
    return {
      arrived,
      handlers: {
        unary: ({ request }, answer) => {
          arrived.push(Date.now())
          if (arrived.length === 1) answer({ code: status.UNAVAILABLE, metadata })
          else answer(null, request)
        },
      },
    }
  }

  it('S1.11 after a pushback nothing goes to that target until then; control: `none` goes on', async () => {
    for (const pushback of ['target', 'none'] as const) {
      const { handlers, arrived } = pushingBack('300')
      await serving({ handlers, client: gatedBy({ pushback }) }, async (caller) => {
        const first = await caller.ask('unary')
        assert.equal(pushbackOf(first.metadata), 300)
        const told = Date.now()
        const { code, details, metadata } = await caller.ask('chat')
        if (pushback === 'none') return assert.equal(code, status.OK)
        assert.equal(code, status.UNAVAILABLE)
        assert.match(details, /^not sent: grpc-client\/pushback refused/)
        const wait = Number(pushbackOf(metadata))
        assert.ok(wait > 0 && wait <= 600, `told to come back in ${wait} ms`)
        for (let ended: status = code; ended !== status.OK;) ended = (await caller.ask('unary')).code
        assert.ok(arrived[1]! - told >= 290, `the next arrived after ${arrived[1]! - told} ms`)
        assert.equal(arrived.length, 2)
      })
    }
  })

  it('`method` leaves the other methods alone, and maxPause bounds how long', async () => {
    const { handlers, arrived } = pushingBack('3600000')
    await serving({ handlers, client: gatedBy({ pushback: 'method', maxPause: 100 }) }, async (caller) => {
      await caller.ask('unary')
      assert.equal((await caller.ask('unary')).code, status.UNAVAILABLE)
      assert.equal((await caller.ask('chat')).code, status.OK)
      const since = Date.now()
      await until('the longest pause is over', () => Date.now() - since > 110)
      assert.equal((await caller.ask('unary')).code, status.OK)
      assert.equal(arrived.length, 2)
    })
  })

  it('a pushback of -1 concerns that call alone', async () => {
    const { handlers } = pushingBack('-1')
    await serving({ handlers, client: gatedBy({}) }, async (caller) => {
      assert.equal(pushbackOf((await caller.ask('unary')).metadata), 'never')
      assert.equal((await caller.ask('unary')).code, status.OK)
    })
  })

  it('retries beyond the budget stay here', async () => {
    const { handlers, seen } = counting(0)
    const client = gatedBy({ gate: waiting(100), retryBudget: retryBudget({ ratio: 0.1, reserve: 0 }) })
    await serving({ handlers, client }, async (caller) => {
      const metadata = new Metadata()
      metadata.set('grpc-previous-rpc-attempts', '1')
      await Promise.all(Array.from({ length: 55 }, () => caller.ask('unary')))
      const retried = await Promise.all(Array.from({ length: 20 }, () => caller.ask('unary', { metadata })))
      assert.equal(retried.filter(({ code }) => code === status.RESOURCE_EXHAUSTED).length, 15)
      assert.equal(retried.filter(({ error }) => localRejection(error)?.code === 'rate_limited').length, 15)
    })
    assert.equal(seen.served, 60)
  })

  it('hears of load reports', async () => {
    const reports: (readonly [LoadReport, string])[] = []
    const server = {
      interceptors: [serverInterceptor({ gate: semaphore({ permits: 4 }) })],
      ...serverChannelOptions(),
    }
    const client = gatedBy({ onLoadReport: (report, { path }) => reports.push([report, path]) })
    await serving({ server, client }, async (caller) => {
      for (const kind of KINDS) await caller.ask(kind)
    })
    assert.deepEqual(
      reports.map(([{ applicationUtilization }, path]) => [applicationUtilization, path]),
      KINDS.map((kind) => [0.25, PATHS[kind]]),
    )
  })
})
