import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Metadata, status, type sendUnaryData } from '@grpc/grpc-js'
import { semaphore, tally } from '../../src/index.ts'
import { asyncHandlers } from '../../src/grpc/index.ts'
import { gated } from './grpc-gates.ts'
import { KINDS, serving, type Handlers, type Note } from './grpc-loopback.ts'
import { until } from './waiting.ts'

/** Handlers of all four kinds that reject a while after they have returned. */
function rejecting(error: () => unknown): Required<Handlers> {
  const reject = (): unknown => {
    const rejected = new Promise<never>((_, deny) => setImmediate(() => deny(error())))
    // For the control arm: a rejection nobody handles would end this process.
    rejected.catch(() => undefined)
    return rejected
  }
  return { unary: reject, collect: reject, feed: reject, chat: reject }
}

describe('sluice/grpc asyncHandlers', () => {
  it('a handler of any kind that rejects ends its call with UNKNOWN and its permit as a failure', async () => {
    const counts = tally()
    const gate = semaphore({ permits: 1, observer: counts })
    const heard: string[] = []
    const handlers = asyncHandlers(
      rejecting(() => new Error('the password is wrong')),
      { onError: (error, method) => heard.push(`${method}: ${(error as Error).message}`) },
    )
    await serving({ handlers, server: gated({ gate }) }, async (caller) => {
      for (const kind of KINDS) {
        const { code, details } = await caller.ask(kind)
        assert.deepEqual([kind, code, details], [kind, status.UNKNOWN, 'Unknown error'])
        assert.equal(gate.stats.inflight, 0)
      }
    })
    assert.deepEqual([counts.releasesBy.failure, counts.admissions], [4, 4])
    assert.deepEqual(
      heard,
      KINDS.map((kind) => `${kind}: the password is wrong`),
    )
  })

  it('control: without it the permit is held until the client leaves', async () => {
    const gate = semaphore({ permits: 1 })
    let rejected = 0
    const handlers = rejecting(() => new Error(`rejection ${++rejected}`))
    await serving({ handlers, server: gated({ gate }) }, async (caller) => {
      const call = caller.open('unary')
      await until('the rejection', () => rejected === 1)
      await new Promise((resolve) => setTimeout(resolve, 50))
      assert.equal(gate.stats.inflight, 1)
      call.cancel()
      await until('it is gone', () => gate.stats.inflight === 0)
    })
  })

  it('an error with a gRPC code is answered with it, trailers and all; another code is none', async () => {
    const counts = tally()
    const gate = semaphore({ permits: 1, observer: counts })
    const metadata = new Metadata()
    metadata.set('row', '7')
    let error: unknown
    await serving({ handlers: asyncHandlers(rejecting(() => error)), server: gated({ gate }) }, async (caller) => {
      for (const kind of KINDS) {
        error = Object.assign(new Error('no such row'), { code: status.NOT_FOUND, metadata })
        const { code, details, metadata: trailers } = await caller.ask(kind)
        assert.deepEqual([code, details, trailers.get('row')], [status.NOT_FOUND, 'no such row', ['7']])
        for (const other of [{ code: 11_000 }, { code: 'ECONNREFUSED' }, { code: status.OK }, null, 'a word']) {
          error = typeof other === 'object' && other !== null ? Object.assign(new Error('inside'), other) : other
          assert.deepEqual((await caller.ask(kind)).details, 'Unknown error')
        }
      }
    })
    assert.deepEqual([counts.releasesBy.success, counts.releasesBy.failure], [4, 20])
  })

  it('a call that was answered stays as it was answered, and what a handler throws is grpc-js’ business', async () => {
    const counts = tally()
    const gate = semaphore({ permits: 1, observer: counts })
    class Service {
      readonly #suffix = '!'

      async unary({ request }: { readonly request: Note }, answer: sendUnaryData<Note>): Promise<void> {
        answer(null, { text: request.text + this.#suffix })
        await Promise.reject(new Error('late'))
      }

      async feed(call: { write(note: Note): boolean; end(): void }): Promise<void> {
        call.write({ text: 'only' })
        call.end()
        await Promise.reject(new Error('late'))
      }

      collect(): void {
        throw new Error('at once')
      }
    }
    const handlers = asyncHandlers(Object.freeze(new Service()))
    await serving({ handlers, server: gated({ gate }) }, async (caller) => {
      const unary = await caller.ask('unary')
      assert.deepEqual([unary.code, unary.texts], [status.OK, ['a!']])
      const feed = await caller.ask('feed')
      assert.deepEqual([feed.code, feed.texts], [status.OK, ['only']])
      assert.equal((await caller.ask('collect')).code, status.UNKNOWN)
    })
    assert.deepEqual([counts.releasesBy.success, counts.releasesBy.failure, gate.stats.inflight], [2, 1, 0])
  })
})
