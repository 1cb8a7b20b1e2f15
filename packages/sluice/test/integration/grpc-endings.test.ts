import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Metadata, status } from '@grpc/grpc-js'
import { fifo, semaphore, tally } from '../../src/index.ts'
import { cable } from './grpc-cable.ts'
import { gated, meta } from './grpc-gates.ts'
import { Caller, PATHS, serving, type Handlers, type Note } from './grpc-loopback.ts'
import { until } from './waiting.ts'

describe('sluice/grpc serverInterceptor, how calls end', () => {
  const OUTCOMES = { OK: 'success', NOT_FOUND: 'success', INTERNAL: 'failure', UNAVAILABLE: 'dropped' } as const

  for (const [name, outcome] of Object.entries(OUTCOMES))
    it(`a handler that answers ${name} ends its permit as ${outcome}`, async () => {
      const counts = tally()
      const gate = semaphore({ permits: 1, observer: counts })
      const code = status[name as keyof typeof status]
      const handlers: Handlers = {
        unary: ({ request }, answer) => answer(code === status.OK ? null : { code }, request),
        feed: (call) => void (code === status.OK ? call.end() : call.emit('error', { code, details: name })),
      }
      await serving({ handlers, server: gated({ gate }) }, async (caller) => {
        assert.equal((await caller.ask('unary')).code, code)
        assert.equal((await caller.ask('feed')).code, code)
      })
      assert.equal(counts.releasesBy[outcome], 2)
    })

  it('a client that leaves is ignored; one whose deadline came was dropped', async () => {
    const counts = tally()
    const gate = semaphore({ permits: 10, observer: counts })
    const handlers: Handlers = { unary: () => undefined, chat: () => undefined }
    await serving({ handlers, server: gated({ gate }) }, async (caller) => {
      const left = caller.open('unary', { deadline: Date.now() + 60_000 })
      await until('one served', () => gate.stats.inflight === 1)
      left.cancel()
      await until('it is gone', () => gate.stats.inflight === 0)
      assert.equal(counts.releasesBy.ignored, 1)
      assert.equal((await caller.ask('chat', { deadline: Date.now() + 100 })).code, status.DEADLINE_EXCEEDED)
      await until('it is gone', () => gate.stats.inflight === 0)
      assert.equal(counts.releasesBy.dropped, 1)
    })
  })

  it('`timeout` ends the call, tells its handler, and frees the permit; what it answers later goes nowhere', async () => {
    const counts = tally()
    const gate = semaphore({ permits: 1, name: 'slow', observer: counts })
    let told = 0
    let late: (() => void) | undefined
    const handlers: Handlers = {
      unary: (call, answer) => {
        call.on('cancelled', () => told++)
        late = () => answer(null, { text: 'late' })
      },
      feed: (call) => {
        call.write({ text: 'first' })
        call.on('cancelled', () => told++)
        late = () => {
          call.write({ text: 'late' })
          call.end()
        }
      },
    }
    await serving({ handlers, server: gated({ gate, timeout: 30 }) }, async (caller) => {
      for (const kind of ['unary', 'feed'] as const) {
        const { code, details, texts } = await caller.ask(kind)
        assert.deepEqual([code, details], [status.DEADLINE_EXCEEDED, 'slow: the handler took longer than 30 ms'])
        late!()
        assert.deepEqual(texts, kind === 'feed' ? ['first'] : [])
      }
    })
    assert.deepEqual([told, counts.releasesBy.dropped, gate.stats.inflight], [2, 2, 0])
  })

  it('what is written after `timeout` goes nowhere, even while the client has not yet read what came before', async () => {
    const text = 'x'.repeat(500_000)
    let timeUp = false
    const handlers: Handlers = {
      feed: (call) => {
        call.write({ text })
        void until('the time is up', () => timeUp).then(() => {
          call.write({ text: 'late' })
          call.end()
        })
      },
    }
    const gate = semaphore({ permits: 1 })
    await serving({ handlers, server: gated({ gate, timeout: 50 }) }, async (_caller, { port }) => {
      const wire = await cable(port)
      const slow = new Caller(wire.port)
      try {
        const ended = slow.ask('feed')
        await until('it is served', () => gate.stats.inflight === 1)
        wire.stop()
        await until('the permit is back', () => gate.stats.inflight === 0)
        timeUp = true
        const since = Date.now()
        await until('the handler went on', () => Date.now() - since > 20)
        wire.goOn()
        const { code, texts } = await ended
        assert.deepEqual([status[code], texts.map(({ length }) => length)], ['DEADLINE_EXCEEDED', [text.length]])
      } finally {
        slow.close()
        await wire.close()
      }
    })
  })

  it('a handler hears that its client left before anybody gets its place', async () => {
    const gate = semaphore({ permits: 1, queue: fifo({ capacity: 10, maxWait: 10_000 }) })
    const heard: string[] = []
    const handlers: Handlers = {
      chat: (call) => {
        const name = String(call.metadata.get('name')[0])
        heard.push(`${name} begins`)
        call.on('cancelled', () => heard.push(`${name} is told`))
      },
    }
    await serving({ handlers, server: gated({ gate }) }, async (caller) => {
      const first = caller.open('chat', { metadata: meta({ name: 'first' }), open: true })
      await until('it is served', () => heard.length === 1)
      const second = caller.open('chat', { metadata: meta({ name: 'second' }), open: true })
      await until('the other waits', () => gate.stats.queued === 1)
      first.cancel()
      await until('the other is served', () => heard.includes('second begins'))
      second.cancel()
      await second.ended
    })
    assert.deepEqual(heard.slice(0, 3), ['first begins', 'first is told', 'second begins'])
  })

  it('tells how long a call waited, where that was over 100 ms', async () => {
    const gate = semaphore({ permits: 1, queue: fifo({ capacity: 10, maxWait: 10_000 }) })
    const held = await gate.acquire()
    await serving({ server: gated({ gate }) }, async (caller) => {
      const call = caller.client.makeUnaryRequest(
        PATHS.unary,
        (note: Note) => Buffer.from(JSON.stringify(note)),
        (bytes) => JSON.parse(bytes.toString()) as Note,
        { text: 'a' },
        () => undefined,
      )
      const headers = new Promise<Metadata>((resolve) => call.on('metadata', resolve))
      await until('it waits', () => gate.stats.queued === 1)
      const since = Date.now()
      await until('150 ms are over', () => Date.now() - since > 150)
      held.release('success')
      const [waited] = (await headers).get('x-queue-wait-time')
      assert.ok(Number(waited) > 0.1 && Number(waited) < 5, String(waited))
    })
  })
})
