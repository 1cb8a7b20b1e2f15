import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { UsageReader, type UsageReaderOptions } from '../../../src/llm/dialects/usage-reader.ts'
import { tokenEstimator } from '../../../src/llm/estimator.ts'
import { recorded, responsesCompleted } from './streams.ts'

const encoder = new TextEncoder()

function fed(text: string | Uint8Array, size: number, options?: UsageReaderOptions): UsageReader {
  const reader = new UsageReader(options)
  const bytes = typeof text === 'string' ? encoder.encode(text) : text
  for (let at = 0; at < bytes.length; at += size) reader.feed(bytes.slice(at, at + size))
  return reader
}

describe('the reader of usage', () => {
  for (const { name, text, usage, finish, deltas } of recorded)
    for (const size of [1, 2, 7, 64, 1_000_000])
      for (const [framing, framed] of [
        ['LF', text],
        ['CRLF', text.replaceAll('\n', '\r\n')],
      ] as const)
        it(`S2.4 ${name} in chunks of ${size} with ${framing}`, () => {
          const reader = fed(framed, size)
          assert.deepEqual(reader.usage, usage)
          assert.equal(reader.usageFinal, true)
          assert.equal(reader.finish, finish)
          assert.equal(reader.deltas, deltas)
          assert.equal(reader.finished, true)
          assert.equal(reader.failure, undefined)
          assert.equal(reader.skipped, 0)
          reader.end()
          assert.deepEqual(reader.usage, usage)
        })

  it('S2.4 knows what was streamed where the stream is cut before it tells', () => {
    const text = recorded[0]!.text
    const reader = fed(text.slice(0, text.indexOf('"stop"')), 7)
    reader.end()
    assert.deepEqual([reader.usage, reader.usageFinal, reader.finished], [undefined, false, false])
    const tokens = reader.streamedTokens(tokenEstimator())
    assert.ok(tokens >= 3 && tokens <= 9, String(tokens))
    const anthropic = recorded[3]!.text
    const begun = fed(anthropic.slice(0, anthropic.indexOf('event: message_delta')), 100)
    assert.deepEqual([begun.usage?.input, begun.usageFinal], [130, false])
    assert.ok(begun.streamedTokens(tokenEstimator()) >= 3)
  })

  it('S2.4 the last event counts though the connection ends in it, if it was whole', () => {
    const reader = fed('data: {"type":"message_delta","usage":{"output_tokens":4},"delta":{"stop_reason":"x"}}', 5)
    const before = reader.usage
    reader.end()
    assert.deepEqual([before, reader.usage], [undefined, { output: 4 }])
  })

  it('S2.4 joins data of many lines', () => {
    const reader = fed('data: {"usage":\ndata: {"prompt_tokens":1,\ndata:"completion_tokens":2}}\n\n', 3)
    assert.deepEqual(reader.usage, { input: 1, output: 2 })
  })

  for (const size of [7, 1000, 65_536, 10_000_000])
    it(`S2.4 finds the usage of an event of 2 MB, keeping no more than 64 KiB, in chunks of ${size}`, () => {
      const reader = fed(encoder.encode(responsesCompleted(2_000_000)), size)
      assert.deepEqual(reader.usage, { input: 36, output: 87, cacheRead: 0, reasoning: 64, total: 123 })
      assert.deepEqual([reader.usageFinal, reader.finished, reader.finish], [true, true, 'completed'])
      assert.equal(reader.skipped, 1)
    })

  it('S2.4 finds a usage wherever it lies when a line grows too long', () => {
    for (let length = 60_000; length < 72_000; length += 97) {
      const told = { input_tokens: 1, output_tokens: length, service_tier: 'odd"}{' }
      const data = JSON.stringify({ text: 'x'.repeat(length), usage: told, after: 'y'.repeat(3000) })
      const reader = fed(`data: ${data}\n\n`, 1460)
      assert.deepEqual(reader.usage, { input: 1, output: length })
    }
  })

  it('S2.4 memory stays within the cap whatever comes', () => {
    const before = process.memoryUsage().arrayBuffers
    const readers = Array.from({ length: 100 }, () => new UsageReader())
    const chunk = new Uint8Array(10_000).fill(97)
    for (const reader of readers) {
      reader.feed(encoder.encode('data: {"type":"x'))
      for (let turn = 0; turn < 100; turn++) reader.feed(chunk)
    }
    const each = (process.memoryUsage().arrayBuffers - before) / readers.length
    // Growing leaves smaller arrays behind for the collector, together at most as much again.
    assert.ok(each < 2.5 * 65_536, `${each} bytes`)
  })

  it('S2.4 an answer that is no stream, whole and too long to keep', () => {
    const answer = (text: string): string =>
      JSON.stringify({
        id: 'chatcmpl-1',
        choices: [{ message: { content: text }, finish_reason: 'length' }],
        usage: { prompt_tokens: 3, completion_tokens: 9, prompt_tokens_details: { cached_tokens: 1 } },
        service_tier: 'default',
      })
    for (const length of [10, 60_000, 500_000]) {
      const reader = fed(answer('"usage":{"x":1} {'.repeat(length / 17)), 4096, { body: 'json' })
      reader.end()
      assert.deepEqual(reader.usage, { input: 3, output: 9, cacheRead: 1 })
      assert.deepEqual([reader.finish, reader.finished, reader.usageFinal], ['length', true, true])
    }
    const refused = fed('{"error":{"type":"tokens","code":"rate_limit_exceeded","message":"no"}}', 9, { body: 'json' })
    refused.end()
    assert.equal(refused.failure?.code, 'rate_limit_exceeded')
  })

  it('S2.4 an error in the middle of a stream', () => {
    const reader = fed(
      recorded[0]!.text.slice(0, 400) + '\n\ndata: {"error":{"type":"server_error","message":"gone"}}\n\n',
      9,
    )
    assert.deepEqual([reader.failure?.type, reader.failure?.message, reader.finished], ['server_error', 'gone', true])
  })

  it('refuses a cap that is too small for what it keeps', () =>
    assert.throws(() => new UsageReader({ lineCap: 100 }), /usageReader\.lineCap: expected/))
})
