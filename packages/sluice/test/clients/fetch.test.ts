import assert from 'node:assert/strict'
import { describe, it, mock } from 'node:test'
import { protectedFetch, type ClientOptions, type ProtectedFetch } from '../../src/clients/index.ts'
import { fifo, RejectedError, semaphore, type Gate } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'

/** What was sent, and how to answer it. */
interface Sent {
  readonly url: string
  readonly headers: Headers
  readonly signal: AbortSignal | null | undefined
  answer(response: Response): void
  fail(error: unknown): void
}

interface Rig {
  readonly clock: VirtualClock
  readonly send: ProtectedFetch
  readonly sent: Sent[]
  readonly stats: () => { inflight: number; queued: number }
}

function rig(options: ClientOptions = {}, permits: number = 1): Rig {
  const clock = new VirtualClock(1000)
  const sent: Sent[] = []
  const plain = (input: string | URL | Request, init?: RequestInit): Promise<Response> =>
    new Promise((answer, fail) => {
      const signal = init?.signal
      signal?.addEventListener('abort', () => fail(signal.reason))
      sent.push({
        url: input instanceof Request ? input.url : String(input),
        headers: new Headers(init?.headers),
        signal,
        answer,
        fail,
      })
    })
  const gate = (name: string): Gate => semaphore({ name, clock, permits, queue: fifo({ capacity: 10, maxWait: 5000 }) })
  const send = protectedFetch({ clock, random: () => 0.999, gate, ...options, fetch: plain })
  return {
    clock,
    send,
    sent,
    stats() {
      const [origin] = send.origins
      return { inflight: origin?.stats.inflight ?? 0, queued: origin?.stats.queued ?? 0 }
    },
  }
}

/** Until everything that follows from what was done has happened. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve()
  await new Promise((resolve) => setImmediate(resolve))
}

const codeOf = async (sending: Promise<unknown>): Promise<string> => {
  const error: unknown = await sending.then(
    () => 'nothing',
    (reason: unknown) => reason,
  )
  return error instanceof RejectedError ? error.code : String(error)
}

const URL_OF_A = 'http://a/x'

describe('protectedFetch', () => {
  it('holds the slot until the body has been read to its end', async () => {
    const { send, sent, stats } = rig()
    const [first, second] = [send(URL_OF_A), send(URL_OF_A)]
    assert.deepEqual([sent.length, stats()], [1, { inflight: 1, queued: 1 }])
    const body = new ReadableStream({ type: 'bytes' }, { highWaterMark: 0 })
    let more: ReadableByteStreamController | undefined
    const slow = new ReadableStream({ type: 'bytes', start: (controller) => void (more = controller) })
    sent[0]!.answer(new Response(slow))
    const response = await first
    await settled()
    assert.equal(sent.length, 1)
    more!.enqueue(new TextEncoder().encode('hel'))
    more!.enqueue(new TextEncoder().encode('lo'))
    more!.close()
    assert.equal(await response.text(), 'hello')
    assert.equal(sent.length, 2)
    sent[1]!.answer(new Response(null, { status: 204 }))
    assert.equal((await second).status, 204)
    assert.deepEqual(stats(), { inflight: 0, queued: 0 })
    await body.cancel()
  })

  it('reads no more than 64 KiB ahead of whoever reads', async () => {
    const { send, sent, stats } = rig()
    let pulled = 0
    const piece = 10_000
    const endless = new ReadableStream(
      {
        pull(controller) {
          pulled++
          controller.enqueue(new Uint8Array(piece))
        },
      },
      { highWaterMark: 0 },
    )
    const sending = send(URL_OF_A)
    sent[0]!.answer(new Response(endless))
    const response = await sending
    await settled()
    assert.equal(pulled, Math.ceil(65_536 / piece))
    const reader = response.body!.getReader()
    for (let count = 0; count < 5; count++) assert.equal((await reader.read()).value?.byteLength, piece)
    await settled()
    assert.equal(pulled, Math.ceil(65_536 / piece) + 5)
    assert.equal(stats().inflight, 1)
    await reader.cancel()
    assert.equal(stats().inflight, 0)
  })

  it('an answer that fits in that ends its slot though nobody reads it', async () => {
    const { send, sent, stats } = rig()
    const sending = send(URL_OF_A)
    sent[0]!.answer(new Response('x'.repeat(60_000)))
    const response = await sending
    await settled()
    assert.equal(stats().inflight, 0)
    assert.equal((await response.text()).length, 60_000)
  })

  it('frees the slot when the body fails, and tells the reader', async () => {
    const { send, sent, stats } = rig()
    const sending = send(URL_OF_A)
    let fail: ((error: unknown) => void) | undefined
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => void (fail = (error) => controller.error(error)),
    })
    sent[0]!.answer(new Response(body))
    const response = await sending
    const reading = codeOf(response.text())
    fail!(new RangeError('gone'))
    assert.equal(await reading, 'RangeError: gone')
    assert.equal(stats().inflight, 0)
  })

  it('is a response like any other: status, headers, url, clone, byte readers', async () => {
    const { send, sent } = rig({}, 10)
    const original = new Response('hello', {
      status: 203,
      statusText: 'So They Say',
      headers: [
        ['set-cookie', 'a=1'],
        ['set-cookie', 'b=2'],
      ],
    })
    for (const [name, value] of Object.entries({ url: 'http://a/y', redirected: true, type: 'basic' }))
      Object.defineProperty(original, name, { value })
    const sending = send(new Request(URL_OF_A))
    sent[0]!.answer(original)
    const response = await sending
    assert.ok(response instanceof Response)
    assert.deepEqual([response.status, response.statusText], [203, 'So They Say'])
    assert.deepEqual(response.headers.getSetCookie(), ['a=1', 'b=2'])
    const copy = response.clone()
    const third = copy.clone()
    for (const each of [response, copy, third])
      assert.deepEqual([each.url, each.redirected, each.type], ['http://a/y', true, 'basic'])
    const reader = response.body!.getReader({ mode: 'byob' })
    const pieces: string[] = []
    for (let left = 3; left > 0; left--) {
      const { value } = await reader.read(new Uint8Array(left))
      pieces.push(new TextDecoder().decode(value))
    }
    assert.deepEqual(pieces, ['hel', 'lo', ''])
    assert.equal((await copy.text()) + (await third.text()), 'hellohello')
  })

  it('S3.3 may be put around another: both give their slots back', async () => {
    const { send, sent, stats } = rig()
    const outer = protectedFetch({ fetch: send, gate: (name): Gate => semaphore({ name, permits: 1 }) })
    const sending = outer(URL_OF_A)
    const original = new Response('hello', { headers: { a: 'b' } })
    Object.defineProperty(original, 'url', { value: 'http://a/y' })
    sent[0]!.answer(original)
    const response = await sending
    assert.deepEqual([response.url, response.headers.get('a'), response.constructor.name], ['http://a/y', 'b', ''])
    assert.equal(await response.clone().text(), await response.text())
    assert.deepEqual([stats().inflight, [...outer.origins][0]?.stats.inflight], [0, 0])
  })

  it('a caller that leaves while it waits is answered at once, with its own reason', async () => {
    const { send, sent, stats } = rig()
    void send(URL_OF_A)
    const controller = new AbortController()
    const waiting = codeOf(send(URL_OF_A, { signal: controller.signal }))
    const inRequest = codeOf(send(new Request(URL_OF_A, { signal: controller.signal })))
    assert.equal(stats().queued, 2)
    controller.abort(new RangeError('enough'))
    assert.equal(stats().queued, 0)
    assert.deepEqual(await Promise.all([waiting, inRequest]), ['RangeError: enough', 'RangeError: enough'])
    assert.equal(await codeOf(send(URL_OF_A, { signal: controller.signal })), 'RangeError: enough')
    assert.equal(sent.length, 1)
  })

  it('many requests share one listener on the signal they share, and leave none behind', async () => {
    const { send, sent, stats } = rig()
    const { signal } = new AbortController()
    const count = mock.method(signal, 'addEventListener')
    const gone = mock.method(signal, 'removeEventListener')
    const sending = Array.from({ length: 10 }, () => send(URL_OF_A, { signal }))
    // Ours; the other is of the fetch this stands before.
    assert.equal(count.mock.callCount(), 2)
    for (let at = 0; at < 10; at++) {
      sent[at]!.answer(new Response(null))
      await sending[at]
    }
    assert.equal(gone.mock.callCount(), 1)
    assert.deepEqual(stats(), { inflight: 0, queued: 0 })
  })

  it('one that leaves on its way frees its slot at once', async () => {
    const { send, sent, stats } = rig()
    const controller = new AbortController()
    const leaving = codeOf(send(URL_OF_A, { signal: controller.signal }))
    const next = send(URL_OF_A)
    controller.abort(new RangeError('enough'))
    assert.equal(sent.length, 2)
    assert.equal(await leaving, 'RangeError: enough')
    sent[1]!.answer(new Response(null))
    await next
    assert.equal(stats().inflight, 0)
  })

  it('one that leaves is heard by what is on its way, also where there is a deadline', async () => {
    const { clock, send, sent, stats } = rig({ deadline: 1000 })
    const controller = new AbortController()
    const leaving = codeOf(send(URL_OF_A, { signal: controller.signal }))
    controller.abort(new RangeError('enough'))
    assert.deepEqual([sent[0]!.signal?.aborted, await leaving], [true, 'RangeError: enough'])
    assert.deepEqual([stats().inflight, clock.pending], [0, 0])
  })

  it('tells the origin how much time is left, and calls the request off when there is none', async () => {
    const { clock, send, sent, stats } = rig({ deadline: 1000 })
    const first = codeOf(send(URL_OF_A))
    const second = codeOf(send(URL_OF_A, { headers: { 'x-request-timeout': '0.7', accept: 'x' } }))
    const late = codeOf(send(URL_OF_A, { arrival: { deadline: 1300 } }))
    assert.equal(sent[0]!.headers.get('x-envoy-expected-rq-timeout-ms'), '1000')
    clock.advance(400)
    assert.equal(await late, 'deadline')
    sent[0]!.answer(new Response(null))
    await settled()
    assert.equal(await first, 'nothing')
    assert.equal(sent[1]!.headers.get('x-envoy-expected-rq-timeout-ms'), '300')
    assert.equal(sent[1]!.headers.get('accept'), 'x')
    clock.advance(300)
    assert.equal(await second, 'deadline')
    assert.equal(sent[1]!.signal?.aborted, true)
    assert.deepEqual(stats(), { inflight: 0, queued: 0 })
    assert.equal(clock.pending, 0)
  })

  it('leaves the request alone where there is no deadline, and names the header otherwise where told', async () => {
    const plain = rig()
    void plain.send(URL_OF_A)
    assert.deepEqual([...plain.sent[0]!.headers], [])
    assert.equal(plain.sent[0]!.signal, undefined)
    const named = rig({ deadline: 50, deadlineHeader: 'X-Time-Left' })
    const sending = codeOf(named.send(URL_OF_A))
    assert.deepEqual([...named.sent[0]!.headers], [['x-time-left', '50']])
    const silent = rig({ deadline: 50, deadlineHeader: false })
    const other = codeOf(silent.send(new Request(URL_OF_A, { headers: { a: 'b' } })))
    assert.deepEqual([...silent.sent[0]!.headers], [['a', 'b']])
    named.clock.advance(50)
    silent.clock.advance(50)
    assert.deepEqual(await Promise.all([sending, other]), ['deadline', 'deadline'])
  })

  it('knows a retry by the header that SDKs send, and refuses it without budget', async () => {
    const { send, sent, stats } = rig({ retryBudget: { ratio: 1, reserve: 0 } }, 10)
    const retry = { headers: { 'x-stainless-retry-count': '1' } }
    assert.equal(await codeOf(send(URL_OF_A, retry)), 'rate_limited')
    void send(URL_OF_A, { headers: { 'x-stainless-retry-count': '0' } })
    void send(URL_OF_A, retry)
    assert.equal(await codeOf(send(URL_OF_A, retry)), 'rate_limited')
    assert.deepEqual([sent.length, stats().inflight], [2, 2])
  })

  it('refuses with the data of the refusal', async () => {
    const { send } = rig()
    send.origins.close()
    await assert.rejects(send(URL_OF_A), (error) => {
      assert.ok(error instanceof RejectedError)
      assert.deepEqual([error.rejection.code, error.rejection.gate], ['closed', 'http://a'])
      return true
    })
  })

  it('what makes no sense is told as fetch tells it, and takes nothing', async () => {
    const { send, stats } = rig()
    await assert.rejects(send(URL_OF_A, { arrival: { cost: -1 } }), /arrival\.cost/)
    assert.equal(stats().inflight, 0)
    const real = protectedFetch()
    await assert.rejects(real('nonsense'), TypeError)
    assert.equal([...real.origins][0]?.stats.inflight, 0)
    assert.equal([...real.origins][0]?.throttled, 0)
  })
})
