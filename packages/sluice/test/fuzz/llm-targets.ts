import assert from 'node:assert/strict'
import {
  delayOf,
  goDuration,
  instantText,
  PROFILES,
  readAnswer,
  readAsked,
  readError,
  readGoDuration,
  readInstant,
  readOpenaiMessage,
  toldBudgets,
  tokenEstimator,
  UsageReader,
  usageOf,
  type Usage,
} from '../../src/llm/index.ts'
import type { FuzzTarget } from './fuzz-target.ts'

const MONTH = 31 * 86_400_000
const estimator = tokenEstimator()
const CHAT =
  'data: {"choices":[{"delta":{"content":"hi"}}]}\n\ndata: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1}}\n\ndata: [DONE]\n\n'
const ANTHROPIC =
  'event: message_start\r\ndata: {"type":"message_start","message":{"model":"c","usage":{"input_tokens":9,"output_tokens":1}}}\r\n\r\nevent: message_delta\r\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":5}}\r\n\r\ndata: {"type":"message_stop"}\r\n\r\n'
const RESPONSES =
  'data: {"type":"response.output_text.delta","delta":"a"}\n\ndata: {"type":"response.completed","response":{"usage":{"input_tokens":1,"output_tokens":2}}}\n\n'
const BODY =
  '{"model":"gpt-x","stream":true,"max_tokens":100,"n":2,"messages":[{"role":"user","content":[{"type":"text","text":"hello"},{"type":"image_url","image_url":{"url":"x"}}]}],"tools":[{"name":"f"}]}'
const WORDS = [
  'data: ',
  'data:',
  '\n\n',
  '\r\n',
  '{',
  '[',
  '"usage":',
  'null',
  '1e999',
  '-1',
  '[DONE]',
  '{"__proto__":{"a":1}}',
  '"\\u0000"',
  '"input_tokens":',
  '"choices":[',
  '"delta":',
]

function assertUsage(usage: Usage | undefined): void {
  for (const value of Object.values(usage ?? {}))
    assert.ok(value === undefined || typeof value !== 'number' || (Number.isFinite(value) && value >= 0), String(value))
}

function readIn(pieces: readonly Uint8Array[], body: 'events' | 'json'): UsageReader {
  const reader = new UsageReader({ body })
  for (const piece of pieces) reader.feed(piece)
  reader.end()
  assertUsage(reader.usage)
  assert.ok(Number.isFinite(reader.streamedTokens(estimator)))
  return reader
}

const seen = ({ usage, usageFinal, finish, finished, failure, deltas, skipped }: UsageReader): unknown => ({
  usage,
  usageFinal,
  finish,
  finished,
  failure,
  deltas,
  skipped,
})

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

export const targets: readonly FuzzTarget[] = [
  {
    name: 'llm-streams',
    weight: 8,
    seeds: [CHAT, ANTHROPIC, RESPONSES],
    words: WORDS,
    check(input) {
      const bytes = new TextEncoder().encode(input)
      for (const body of ['events', 'json'] as const) {
        const whole = seen(readIn([bytes], body))
        // However it is cut.
        const third = Math.floor(bytes.length / 3)
        const cut = [bytes.subarray(0, third), bytes.subarray(third, third + 1), bytes.subarray(third + 1)]
        assert.deepEqual(seen(readIn(cut, body)), whole)
      }
    },
  },
  {
    name: 'llm-bodies',
    weight: 6,
    seeds: [
      BODY,
      '{"error":{"message":"Rate limit reached: Limit 10, Used 9, Requested 2. Please try again in 1.5s.","code":"rate_limit_exceeded"}}',
      '[{"error":{"details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"3s"}]}}]',
    ],
    words: WORDS,
    check(input) {
      const body = parsed(input)
      assertUsage(usageOf(body))
      assertUsage(readAnswer(body).usage)
      for (const dialect of ['openai-chat', 'anthropic-messages'] as const) {
        const asked = readAsked(dialect, body, { hints: true })
        assert.ok(asked.maxOutput === undefined || asked.maxOutput >= 0)
        assert.ok((asked.model?.length ?? 0) <= 256 && (asked.hint?.length ?? 0) <= 256)
        assert.ok(Number.isFinite(estimator.tokens(asked.measure, asked.model)))
      }
      for (const each of [input, body]) {
        const told = readError(429, () => undefined, each)
        assert.ok(told.message.length <= 4096)
        assert.ok(told.delay === undefined || (told.delay >= 0 && told.delay <= MONTH))
      }
      const { wait } = readOpenaiMessage(input)
      assert.ok(wait === undefined || wait >= 0)
    },
  },
  {
    name: 'llm-headers',
    weight: 6,
    seeds: ['6m0s', '1h2m3.5s', '2026-11-21T12:00:00Z', '120', '149984', 'Sat, 21 Nov 2026 12:00:00 GMT'],
    words: ['h', 'ms', 's', '.', 'T', 'Z', '-', 'µs', '+01:00'],
    check(input) {
      const span = readGoDuration(input)
      assert.ok(span === undefined || span >= 0)
      if (span !== undefined && span < 1e12) assert.equal(readGoDuration(goDuration(span)), Math.round(span))
      const instant = readInstant(input)
      if (instant !== undefined && instant >= 0 && instant < 2e14)
        assert.equal(readInstant(instantText(instant)), Math.ceil(instant / 1000) * 1000)
      for (const name of ['retry-after', 'retry-after-ms', 'date']) {
        const delay = delayOf((asked) => (asked === name ? input : asked === 'retry-after' ? '7' : undefined))
        assert.ok(delay === undefined || (delay >= 0 && delay <= MONTH))
      }
      for (const { budgets } of Object.values(PROFILES))
        for (const told of Object.values(toldBudgets(() => input, budgets, 0)))
          for (const value of Object.values(told)) assert.ok(value === undefined || (value >= 0 && value < Infinity))
    },
  },
]
