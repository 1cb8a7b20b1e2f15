import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import OpenAI, { APIError, InternalServerError, RateLimitError } from 'openai'
import { connect, until } from './proxy-rig.ts'
import { anthropicOf, HELLO, MODEL, openaiOf, withDoor, type Rig } from './llm-gateway-rig.ts'

const STREAM = { ...HELLO, stream: true as const }
/** One at a time, and each takes its time. */
const ONE = 'inflight: { count: 1, adaptive: false }'
const SLOW = { engine: { ttft: 400, tokensPerSecond: 1000 }, output: 4 }

/** Takes the only place until it is released. */
async function hold({ url, door }: Rig, tenant = ''): Promise<() => void> {
  const abort = new AbortController()
  const before = door.line.status.inflight
  const call = openaiOf(url, { maxRetries: 0 }).chat.completions.create(STREAM, {
    signal: abort.signal,
    headers: { 'x-tenant': tenant, 'x-emulate': '{"fault":{"kind":"stall","after":0,"for":60000}}' },
  })
  call.catch(() => {})
  await until('the place to be taken', () => door.line.status.inflight > before)
  return () => {
    abort.abort()
    // Held on to until then: an answer that nobody can read any more is called off when the collector comes by.
    void call
  }
}

async function drained(stream: AsyncIterable<unknown>): Promise<number> {
  let count = 0
  for await (const part of stream) if (part !== undefined) count++
  return count
}

describe('S2.3 waiting for a model server', () => {
  it('a short wait is told in a header, and nothing else is different', async () => {
    await withDoor({ yaml: ONE, emulators: [SLOW] }, async (rig) => {
      const openai = openaiOf(rig.url, { maxRetries: 0 })
      const [, second] = await Promise.all([
        openai.chat.completions.create(HELLO),
        openai.chat.completions.create(HELLO).withResponse(),
      ])
      assert.ok(Number(second.response.headers.get('x-queue-wait-time')) > 0.2)
    })
  })

  it('after `hold` a stream begins with 200 and comments; every SDK reads on', async () => {
    const yaml = `${ONE}\nqueue: { hold: 50ms, max: 10 }`
    await withDoor({ yaml, emulators: [SLOW] }, async (rig) => {
      const release = await hold(rig)
      const raw = await connect(rig.port)
      const body = JSON.stringify(STREAM)
      raw.send(`POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-length: ${body.length}\r\n\r\n${body}`)
      const streams = [
        openaiOf(rig.url).chat.completions.create(STREAM).then(drained),
        anthropicOf(rig.url).messages.create(STREAM).then(drained),
      ]
      await until('comments', () => raw.received().includes(': queued\n\n'))
      assert.match(raw.received(), /^HTTP\/1\.1 200 OK\r\ncontent-type: text\/event-stream/)
      release()
      for (const count of await Promise.all(streams)) assert.ok(count >= 4, `${count}`)
      await until('the end', () => raw.received().includes('data: [DONE]'))
      raw.leave()
    })
  })

  it('what fails after that is an event of the stream', async () => {
    const yaml = `${ONE}\nqueue: { hold: 30ms, maxWait: 200ms }`
    await withDoor({ yaml }, async (rig) => {
      const release = await hold(rig)
      for (const [call, words] of [
        [openaiOf(rig.url).chat.completions.create(STREAM), /overloaded/],
        [openaiOf(rig.url).responses.create({ model: MODEL, input: 'x', stream: true }), /overloaded/],
        [anthropicOf(rig.url).messages.create(STREAM), /overloaded/],
      ] as const) {
        const stream = await call
        await assert.rejects(drained(stream), words)
      }
      // One that is not streamed has kept its status, and comes again when it was told to.
      await assert.rejects(openaiOf(rig.url, { maxRetries: 0 }).chat.completions.create(HELLO), (error) => {
        assert.ok(error instanceof InternalServerError)
        assert.ok(Number(error.headers.get('retry-after-ms')) >= 100)
        return error.status === 503 && error.code === 'server_is_overloaded'
      })
      release()
    })
  })

  it('a full queue is 503 at once, one’s own part used up 429; the SDK waits as told and gets through', async () => {
    const yaml = `${ONE}\nqueue: { max: 2 }`
    await withDoor({ yaml, emulators: [SLOW] }, async (rig) => {
      const release = await hold(rig)
      const as = (tenant: string, maxRetries = 0): OpenAI =>
        new OpenAI({ baseURL: `${rig.url}/v1`, apiKey: 'x', maxRetries, defaultHeaders: { 'x-tenant': tenant } })
      const waiting = [as('a', 5).chat.completions.create(HELLO), as('a', 5).chat.completions.create(HELLO)]
      await until('two to wait', () => rig.door.line.status.waiting === 2)
      await assert.rejects(as('a').chat.completions.create(HELLO), { status: 503 })
      // Somebody else takes the place of the newest of whoever has most.
      waiting.push(as('b', 5).chat.completions.create(HELLO))
      await until('b to wait', () => rig.door.counts.refused.full + rig.door.counts.refused.share === 2)
      await assert.rejects(as('a').chat.completions.create(HELLO), (error) => {
        assert.ok(error instanceof InternalServerError || error instanceof RateLimitError)
        return error.headers.get('retry-after') !== null
      })
      release()
      await Promise.all(waiting)
    })
  })

  it('a request that never fits is a 4xx nobody tries again', async () => {
    await withDoor({ yaml: 'inflight: { tokens: 100, reserve: max }' }, async ({ url, door }) => {
      await assert.rejects(openaiOf(url).chat.completions.create(HELLO), (error) => {
        assert.ok(error instanceof APIError)
        assert.equal(error.headers?.get('x-should-retry'), 'false')
        return error.status === 413 && /never fit into 100/.test(error.message)
      })
      await assert.rejects(anthropicOf(url).messages.create(HELLO), { status: 413 })
      assert.deepEqual([door.counts.refused.never, door.counts.arrived], [2, 2])
    })
  })

  it('refuses before it reads: a body too large, or a full queue, and the upload is closed', async () => {
    const yaml = `${ONE}\nmaxBody: 64KiB\nqueue: { max: 1, bytes: 100KiB }\nreadTimeout: 300ms`
    await withDoor({ yaml }, async (rig) => {
      const head = (length: string): string => `POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\n${length}\r\n\r\n`
      const large = await connect(rig.port)
      large.send(head('content-length: 100000000'))
      await until('413', () => large.received().startsWith('HTTP/1.1 413'))
      assert.match(large.received(), /connection: close/i)
      await until('it to be closed', () => large.closed)
      // Of one that does not say how long it is no more is read than may be.
      const chunked = await connect(rig.port)
      chunked.send(head('transfer-encoding: chunked') + `10001\r\n${'x'.repeat(65_537)}\r\n`)
      await until('413', () => chunked.received().startsWith('HTTP/1.1 413'))
      // One that never comes holds its place for as long as bodies may take.
      const slow = await connect(rig.port)
      slow.send(head('content-length: 1000'))
      await until('it to hold', () => rig.door.status.held.bytes === 1000)
      const full = await connect(rig.port)
      full.send(head('content-length: 60000'))
      await until('503', () => full.received().startsWith('HTTP/1.1 503'))
      await until('408', () => slow.received().startsWith('HTTP/1.1 408'))
      assert.deepEqual(rig.door.status.held, { count: 0, bytes: 0, tokens: 0 })
    })
  })

  it('overflow: who would wait too long goes elsewhere', async () => {
    const yaml = `${ONE}\nqueue: { maxWait: 100ms }\noverflow: { upstream: other, count: 1 }`
    const overflow = { output: 3 }
    await withDoor({ yaml, overflow }, async (rig) => {
      const release = await hold(rig)
      const answer = await openaiOf(rig.url, { maxRetries: 0 }).chat.completions.create(HELLO)
      assert.equal(answer.choices[0]!.message.content, 'the gate opens')
      assert.deepEqual([rig.door.status.overflowed.upstream, rig.emulator.provider.tally.completed], [1, 0])
      release()
    })
  })

  it('one server that cannot be reached: the other is asked', async () => {
    await withDoor({ emulators: [{}, {}] }, async ({ url, door, emulators }) => {
      await emulators[0]!.close()
      for (let n = 0; n < 4; n++) await openaiOf(url, { maxRetries: 0 }).chat.completions.create(HELLO)
      assert.ok(door.counts.retried >= 1)
      assert.equal(emulators[1]!.provider.tally.completed, 4)
    })
  })

  it('S2.6 headers of the dialect say what is left of a model server', async () => {
    await withDoor({ yaml: ONE, emulators: [{ ...SLOW, headerFault: 'missing' }] }, async ({ url }) => {
      const openai = openaiOf(url, { maxRetries: 0 })
      const answers = await Promise.all(
        Array.from({ length: 4 }, () => openai.chat.completions.create(HELLO).withResponse()),
      )
      const told = answers.map(({ response }) => response.headers)
      const last = told.at(-1)!
      assert.ok(Number(last.get('x-ratelimit-limit-tokens')) > 0, JSON.stringify([...last]))
      assert.match(last.get('x-ratelimit-reset-tokens') ?? '', /^(\d+m)?[\d.]+m?s$/)
    })
  })
})
