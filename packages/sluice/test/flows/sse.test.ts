import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { VirtualClock } from '../../src/sim/index.ts'
import { NDJSON, ndjson } from '../../src/flows/ndjson.ts'
import { encodeSse, sseFormat } from '../../src/flows/sse-format.ts'
import { sse, type SseOptions } from '../../src/flows/sse.ts'
import type { Reader } from '../../src/flows/reader.ts'
import { FakeSocket, turn } from './fakes.ts'

/** A fake: what a response of node:http adds to a stream. */
class FakeResponse extends FakeSocket {
  headersSent = false
  status = 0
  head: Record<string, string> = {}
  readonly req: { readonly headers: Record<string, string> }

  constructor(headers: Record<string, string> = {}) {
    super(1000)
    this.req = { headers }
  }

  writeHead(status: number, head: Record<string, string>): void {
    Object.assign(this, { headersSent: true, status, head })
  }
}

/** What a browser makes of a stream of events: the parser of the HTML standard, in short. */
function parsed(text: string): { event: string; data: string; id: string }[] {
  const events: { event: string; data: string; id: string }[] = []
  let [event, data, id] = ['', [] as string[], '']
  for (const line of text.split(/\r\n|\r|\n/)) {
    if (line === '') {
      if (data.length > 0) events.push({ event: event === '' ? 'message' : event, data: data.join('\n'), id })
      ;[event, data] = ['', []]
      continue
    }
    const colon = line.indexOf(':')
    if (colon === 0) continue
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (field === 'event') event = value
    else if (field === 'data') data.push(value)
    else if (field === 'id' && !value.includes('\0')) id = value
  }
  return events
}

describe('server-sent events', () => {
  it('S2.4 are framed as the standard says', () => {
    assert.equal(encodeSse('hello'), 'data: hello\n\n')
    assert.equal(encodeSse('a\nb\r\nc\rd'), 'data: a\ndata: b\ndata: c\ndata: d\n\n')
    assert.equal(encodeSse(''), 'data: \n\n')
    assert.equal(
      encodeSse({ event: 'price', id: 7, retry: 2000, data: { value: 1 } }),
      'event: price\nid: 7\nretry: 2000\ndata: {"value":1}\n\n',
    )
    assert.equal(encodeSse({ id: '7' }), 'id: 7\n\n')
    assert.equal(encodeSse({ data: null }), 'data: null\n\n')
  })

  it('S2.4 refuse what would forge a field', () => {
    for (const bad of ['a\nb', 'a\rdata: forged', 'a\r\n\r\n']) {
      assert.throws(() => encodeSse({ event: bad, data: '' }), /sse\.event: expected a single line/)
      assert.throws(() => encodeSse({ id: bad, data: '' }), /sse\.id: expected a single line/)
    }
    assert.throws(() => encodeSse({ id: 'a\0', data: '' }), /sse\.id/)
    assert.throws(() => encodeSse({ retry: 1.5 }), /sse\.retry/)
    assert.throws(() => encodeSse({ data: () => {} }), /sse\.data: expected something JSON can say/)
  })

  it('S2.4 property: whatever the text, one event comes out, with that text', () => {
    const text = fc.string({ unit: fc.constantFrom('a', ' ', ':', '\n', '\r', 'data', 'event', '\u2028', '💧') })
    fc.assert(
      fc.property(text, text, (data, name) => {
        const events = parsed(encodeSse({ data, event: name.replaceAll(/[\r\n]/g, '') || 'x' }))
        assert.equal(events.length, 1)
        assert.equal(events[0]!.data, data.replaceAll(/\r\n|\r/g, '\n'))
      }),
      { numRuns: 500, seed: 7 },
    )
  })

  function started(options: Partial<SseOptions<unknown>> = {}, headers: Record<string, string> = {}) {
    const response = new FakeResponse(headers)
    const clock = new VirtualClock(500)
    const reader: Reader<unknown> = sse<unknown>(response, {
      policy: 'drop-oldest',
      clock,
      format: sseFormat((message: unknown) => ({ data: message })),
      ...options,
    })
    return { response, clock, reader }
  }

  it('S2.4 write the head, once, and the hint when to come back', async () => {
    const { response } = started({ retry: 4000 })
    await response.drain()
    assert.equal(response.status, 200)
    assert.equal(response.head['content-type'], 'text/event-stream; charset=utf-8')
    assert.match(response.head['cache-control']!, /no-cache/)
    assert.equal(response.text, 'retry: 4000\n\n')
    const begun = new FakeResponse()
    begun.headersSent = true
    sse(begun, { policy: 'block', clock: new VirtualClock() })
    assert.equal(begun.status, 0)
    assert.throws(() => started({ retry: 1.5 }), /sse\.retry/)
  })

  it('S2.4 beat while nothing is sent, and only then', async () => {
    const { response, clock, reader } = started({ heartbeat: 1000 })
    clock.advance(900)
    reader.push('one')
    clock.advance(900)
    await response.drain()
    assert.equal(response.text, 'data: one\n\n')
    clock.advance(100)
    await response.drain()
    assert.equal(response.text, 'data: one\n\n:\n\n')
    clock.advance(1000)
    await response.drain()
    assert.equal(response.text, 'data: one\n\n:\n\n:\n\n')
    // Nobody reads: nothing is added to what is not read.
    reader.push('x'.repeat(1000))
    clock.advance(10_000)
    assert.equal(reader.stats.held, 'data: \n\n'.length + 1000)
    response.destroy()
    await turn()
    assert.equal(clock.pending, 0)
  })

  it('S2.4 tell a browser that comes back what it has missed, before all else', async () => {
    const asked: string[] = []
    const resume = (id: string): string[] => {
      asked.push(id)
      return ['missed 1', 'missed 2']
    }
    const { response, reader } = started({ resume }, { 'last-event-id': '41' })
    reader.push('new')
    await response.drain()
    assert.deepEqual(asked, ['41'])
    assert.deepEqual(
      parsed(response.text).map(({ data }) => data),
      ['missed 1', 'missed 2', 'new'],
    )
    started({ resume })
    assert.deepEqual(asked, ['41'])
    started({ resume, lastEventId: '7' }, { 'last-event-id': '41' })
    assert.deepEqual(asked, ['41', '7'])
  })

  it('S2.4 resume at the pace of the browser, however much it missed; what comes meanwhile waits behind', async () => {
    for (const last of ['end', 'leave']) {
      let made = 0
      let left = false
      const resume = function* missed(): Generator<string> {
        try {
          for (; made < 500; made++) yield `missed ${made}`
        } finally {
          left = true
        }
      }
      const { response, reader } = started({ resume, policy: 'disconnect', capacity: 2 }, { 'last-event-id': '0' })
      assert.ok(made < 100, `${made} made for a browser that has read none`)
      reader.push('new')
      if (last === 'leave') response.destroy()
      else {
        void reader.end()
        for (let n = 0; n < 50 && !response.writableFinished; n++) {
          await response.drain()
          await turn()
        }
        assert.equal(parsed(response.text).length, 501)
        assert.equal(parsed(response.text).at(-1)!.data, 'new')
        assert.equal(reader.stats.pushed, reader.stats.sent)
      }
      await turn()
      assert.equal(left, true)
      assert.equal(reader.closed, true)
    }
  })

  it('S2.4 a resume that fails surfaces, and the browser is sent to come back', () => {
    const { clock, reader } = started(
      {
        resume: function* broken() {
          yield 'missed 1'
          throw new Error('no history')
        },
      },
      { 'last-event-id': '0' },
    )
    assert.match(String(reader.signal.reason), /failed/)
    assert.throws(() => clock.advance(1), /no history/)
  })

  it('S2.4 say why they end, and are cut when nobody reads that', async () => {
    const { response, clock, reader } = started()
    reader.push('one')
    reader.disconnect('maintenance')
    reader.disconnect('again')
    await response.drain()
    assert.deepEqual(parsed(response.text), [
      { event: 'message', data: 'one', id: '' },
      { event: 'disconnect', data: '{"reason":"maintenance"}', id: '' },
    ])
    assert.equal(response.writableFinished, true)
    await turn()
    assert.equal(clock.pending, 0)

    const deaf = started({ grace: 100 })
    deaf.reader.disconnect('slow')
    deaf.clock.advance(99)
    assert.equal(deaf.response.destroyed, false)
    deaf.clock.advance(1)
    assert.equal(deaf.response.destroyed, true)
  })

  it('S2.4 go over a web stream as well', async () => {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
    const reader = sse(writable, { policy: 'block', clock: new VirtualClock() })
    const text = new Response(readable).text()
    await reader.send('one')
    await reader.send({ data: 'two', event: 'second' })
    await reader.end()
    assert.equal(await text, 'data: one\n\nevent: second\ndata: two\n\n')
  })
})

describe('lines of JSON', () => {
  it('S2.4 are one line each, whatever is in them', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const line = NDJSON.encode(value) as string
        assert.equal(line.indexOf('\n'), line.length - 1)
        assert.ok(!line.includes('\r'))
        assert.deepEqual(JSON.parse(line), JSON.parse(JSON.stringify(value)))
      }),
      { numRuns: 300, seed: 7 },
    )
    assert.throws(() => NDJSON.encode(undefined), /ndjson\.message/)
  })

  it('S2.4 are cut, not ended, when they are disconnected: they are not complete', async () => {
    const response = new FakeResponse()
    const reader = ndjson(response, { policy: 'disconnect', clock: new VirtualClock() })
    reader.push(1)
    reader.disconnect('slow')
    await turn()
    assert.equal(response.head['content-type'], 'application/x-ndjson; charset=utf-8')
    assert.equal(response.destroyed, true)
    assert.equal(response.writableFinished, false)
  })
})
