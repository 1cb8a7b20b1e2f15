import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fifo, semaphore, type Gate, type Outcome } from '../../src/index.ts'
import { protect, type FetchHandler, type ProtectOptions } from '../../src/fetch/index.ts'
import type { Degradation } from '../../src/http/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'

const ask = (init?: RequestInit): Request => new Request('http://here.test/orders', init)

function roomy(permits = 1, capacity = 5): Gate {
  return semaphore({ permits, name: 'api', queue: fifo({ capacity, maxWait: 1000 }) })
}

/** One request to a handler behind a gate: what came of it, and what is still held. */
async function outcome(handler: FetchHandler, options: ProtectOptions = {}): Promise<readonly [unknown, number]> {
  const app = protect(handler, { gate: roomy(), ...options })
  let came: unknown
  try {
    came = (await app(ask())).status
  } catch (error) {
    came = error instanceof Error ? error.name : error
  }
  return [came, app.gate.stats.inflight]
}

const turnsAway: Degradation<Request> = {
  steps: ['all'],
  instead: () => ({ status: 503, headers: {}, body: 'not now' }),
}

/** Lets promises that are settled go on. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
}

describe('a visit to a fetch handler', () => {
  it('a body that somebody else reads already gives the slot back', async () => {
    const locked = (): Response => {
      const response = new Response('much')
      response.body?.getReader()
      return response
    }
    assert.deepEqual(await outcome(locked), ['TypeError', 0])
  })

  it('one response for two requests gives both slots back', async () => {
    const same = new Response('once')
    const app = protect(() => same, { gate: roomy() })
    assert.equal(await (await app(ask())).text(), 'once')
    await assert.rejects(app(ask()), TypeError)
    assert.equal(app.gate.stats.inflight, 0)
  })

  it('a request that passes a second door of one gate does not wait for the slot it holds', async () => {
    const gate = roomy()
    const inner = protect(() => new Response(String(gate.stats.inflight)), { gate })
    const outer = protect(inner, { gate })
    assert.equal(await (await outer(ask())).text(), '1')
    assert.deepEqual([gate.stats.inflight, gate.stats.queued], [0, 0])
  })

  it('an answer that comes too late is let go of, also where its body cannot be looked at', async () => {
    const read = new Response('read')
    // As @hono/node-server has it for a response that was written out meanwhile.
    Object.defineProperty(read, 'body', {
      get() {
        throw new TypeError('Response body object should not be disturbed or locked')
      },
    })
    const client = new AbortController()
    const leaving: FetchHandler = () => {
      client.abort()
      return read
    }
    const app = protect(leaving, { gate: roomy() })
    assert.equal(await app(ask({ signal: client.signal })), read)
    assert.equal(app.gate.stats.inflight, 0)
  })

  it('a handler that answers nothing gives the slot back', async () => {
    const [came, held] = await outcome((() => undefined) as unknown as FetchHandler)
    assert.deepEqual([came, held], ['TypeError', 0])
  })

  it('what fails when the handler has answered is a failure to the gate', async () => {
    const heard: Outcome[] = []
    const gate = semaphore({ permits: 1, observer: { released: (_arrival, outcome) => void heard.push(outcome) } })
    const app = protect((() => undefined) as unknown as FetchHandler, { gate })
    await assert.rejects(app(ask()), TypeError)
    assert.deepEqual(heard, ['failure'])
  })

  it('a handler that throws, at once or later, gives the slot back', async () => {
    const thrown: FetchHandler = () => {
      throw new RangeError('no')
    }
    assert.deepEqual(await outcome(thrown), ['RangeError', 0])
    assert.deepEqual(await outcome(() => Promise.reject(new RangeError('no'))), ['RangeError', 0])
  })

  it('a body that fails before it is first read gives the slot back', async () => {
    const app = protect(() => new Response(new ReadableStream({ start: (sink) => sink.error(new Error('empty')) })), {
      gate: roomy(),
    })
    const response = await app(ask())
    assert.equal(app.gate.stats.inflight, 1)
    await assert.rejects(response.text(), /empty/)
    assert.equal(app.gate.stats.inflight, 0)
  })

  it('S1.4 a client that leaves in the tick in which it is let in is not served, and takes no slot along', async () => {
    const gate = roomy()
    const held = gate.tryEnter()
    assert.ok(held.admitted)
    let served = 0
    const app = protect(
      () => {
        served++
        return new Response('late')
      },
      { gate },
    )
    const leaving = new AbortController()
    const answer = app(ask({ signal: leaving.signal }))
    assert.equal(gate.stats.queued, 1)
    held.release('success')
    leaving.abort()
    assert.equal((await answer).status, 499)
    assert.deepEqual([served, gate.stats.inflight, gate.stats.queued], [0, 0, 0])
    assert.equal((await app(ask({ signal: AbortSignal.abort() }))).status, 499)
    assert.deepEqual([served, gate.stats.inflight], [0, 0])
  })

  it('a client that leaves was not refused: `onReject` does not hear of it', async () => {
    const gate = roomy()
    gate.tryEnter()
    const heard: string[] = []
    const app = protect(() => new Response('x'), { gate, onReject: ({ code }) => void heard.push(code) })
    const leaving = new AbortController()
    const answer = app(ask({ signal: leaving.signal }))
    leaving.abort()
    assert.equal((await answer).status, 499)
    assert.deepEqual(heard, [])
  })

  it('S2.4 a client that leaves in the middle of a body ends what makes it', async () => {
    let ended: unknown
    const app = protect(
      () =>
        new Response(
          new ReadableStream({
            pull: (sink) => sink.enqueue(new Uint8Array(5)),
            cancel: (reason) => void (ended = (reason as DOMException).name),
          }),
        ),
      { gate: roomy() },
    )
    const leaving = new AbortController()
    const reader = (await app(ask({ signal: leaving.signal }))).body!.getReader()
    assert.equal((await reader.read()).value?.length, 5)
    leaving.abort()
    await settle()
    assert.deepEqual([ended, app.gate.stats.inflight], ['AbortError', 0])
  })

  it('an answer of `onReject` or of a cache may have a status that takes no body', async () => {
    for (const status of [204, 205, 304]) {
      const gate = roomy(1, 1)
      gate.tryEnter()
      void gate.enter({}, () => undefined)
      const app = protect(() => new Response('x'), { gate, onReject: () => ({ status, headers: {}, body: '' }) })
      assert.equal((await app(ask())).status, status)
    }
  })

  it('the time that comes in the tick in which the handler answers ends the permit once', async () => {
    const clock = new VirtualClock()
    const gate = semaphore({ permits: 2, clock })
    let answer: ((response: Response) => void) | undefined
    const app = protect(() => new Promise<Response>((resolve) => (answer = resolve)), { gate, clock, timeout: 100 })
    const first = app(ask())
    await settle()
    answer!(new Response(null))
    clock.advance(100)
    const { status } = await first
    assert.ok(status === 200 || status === 504)
    assert.equal(gate.stats.inflight, 0)
  })
})

describe('a visit to a fetch handler, on trial and under degradation', () => {
  it('S3.6 what is critical is served whatever was given up', async () => {
    assert.deepEqual(
      await outcome(() => new Response(null), { classify: () => 'critical', degradation: turnsAway }),
      [200, 0],
    )
    assert.deepEqual(await outcome(() => new Response(null), { degradation: turnsAway }), [503, 0])
  })

  it('dryRun turns nobody away under degradation, and asks all the same', async () => {
    let asked = 0
    const degradation: Degradation<Request> = {
      ...turnsAway,
      instead: (caller) => {
        asked++
        return turnsAway.instead(caller)
      },
    }
    assert.deepEqual(await outcome(() => new Response(null), { dryRun: true, degradation }), [200, 0])
    assert.equal(asked, 1)
  })

  it('dryRun cuts off no handler', async () => {
    const clock = new VirtualClock()
    let answer: ((response: Response) => void) | undefined
    const app = protect(() => new Promise<Response>((resolve) => (answer = resolve)), {
      gate: semaphore({ permits: 1, clock }),
      clock,
      timeout: 100,
      dryRun: true,
    })
    const first = app(ask())
    await settle()
    clock.advance(1000)
    answer!(new Response(null))
    assert.equal((await first).status, 200)
  })
})
