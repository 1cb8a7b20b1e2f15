import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect as http2, createServer as http2Server } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { EventSource } from 'undici'
import { hub, ndjson, sse, sseFormat, type Reader, type SseMessage } from '../../src/flows/stream.ts'
import { serving } from './loopback.ts'
import { until } from './waiting.ts'

interface News {
  readonly n: number
  readonly text: string
}

describe('server-sent events, to an EventSource', () => {
  it('S2.4 arrive as they were sent; one that comes back gets what it missed, once', async () => {
    const format = sseFormat(({ n, text }: News) => ({ id: n, event: 'news', data: text }))
    const history: News[] = []
    const topics = hub<News>()
    const readers: Reader<News>[] = []
    const publish = (text: string): void => {
      history.push({ n: history.length, text })
      topics.publish('news', history.at(-1)!)
    }
    const server = createServer((_req, res) => {
      const reader = sse<News>(res, {
        policy: 'drop-oldest',
        format,
        retry: 20,
        resume: (last) => history.filter(({ n }) => n > Number(last)),
      })
      readers.push(reader)
      topics.subscribe('news', reader)
    })
    await serving(server, async (port) => {
      const source = new EventSource(`http://127.0.0.1:${port}`)
      const got: string[] = []
      const farewells: unknown[] = []
      source.addEventListener('news', (event) => got.push(String((event as MessageEvent).data)))
      source.addEventListener('disconnect', (event) => farewells.push((event as MessageEvent).data))
      try {
        await once(source, 'open')
        publish('one')
        publish('two\nlines')
        await until('two events', () => got.length === 2)
        readers[0]!.disconnect('maintenance')
        publish('missed')
        await until('it to come back', () => readers.length === 2)
        publish('after')
        await until('all events', () => got.length === 4)
        assert.deepEqual(got, ['one', 'two\nlines', 'missed', 'after'])
        assert.deepEqual(farewells, ['{"reason":"maintenance"}'])
      } finally {
        source.close()
      }
      await until('it to be forgotten', () => topics.stats.readers === 0)
    })
  })

  it('S2.4 beat on a real clock, which nobody hears as an event', async () => {
    const server = createServer((_req, res) => void sse(res, { policy: 'block', heartbeat: 20 }))
    await serving(server, async (port) => {
      const response = await fetch(`http://127.0.0.1:${port}`)
      assert.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8')
      const reader = response.body!.getReader()
      let text = ''
      while (text.length < 9) text += new TextDecoder().decode((await reader.read()).value)
      assert.match(text, /^(:\n\n){3,}$/)
      await reader.cancel()
    })
  })

  it('S2.4 over http2, too', async () => {
    let reader: Reader<SseMessage> | undefined
    const server = http2Server((_req, res) => {
      reader = sse(res, { policy: 'drop-oldest' })
      reader.push('hello')
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const client = http2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    try {
      const request = client.request({ ':path': '/' })
      request.setEncoding('utf8').on('error', () => undefined)
      const [chunk] = (await once(request, 'data')) as [string]
      assert.equal(chunk, 'data: hello\n\n')
      request.close()
      await until('it to leave', () => reader!.closed)
    } finally {
      client.destroy()
      server.close()
    }
  })
})

describe('lines of JSON', () => {
  it('S2.4 come as they were made, and a cut is seen as one', async () => {
    const server = createServer((req, res) => {
      const reader = ndjson(res, { policy: 'block' })
      reader.push({ a: 'line\nbreak' })
      reader.push([1, 2])
      if (req.url === '/cut') setTimeout(() => reader.disconnect('slow'), 20)
      else void reader.end()
    })
    await serving(server, async (port) => {
      const response = await fetch(`http://127.0.0.1:${port}/`)
      assert.equal(await response.text(), '{"a":"line\\nbreak"}\n[1,2]\n')
      const cut = await fetch(`http://127.0.0.1:${port}/cut`)
      await assert.rejects(cut.text())
    })
  })
})
