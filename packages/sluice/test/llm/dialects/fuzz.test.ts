import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readAnswer } from '../../../src/llm/dialects/answer.ts'
import { readAsked } from '../../../src/llm/dialects/asked.ts'
import { dialectOf } from '../../../src/llm/dialects/dialect.ts'
import { readGoDuration } from '../../../src/llm/dialects/go-duration.ts'
import { readOpenaiMessage } from '../../../src/llm/dialects/openai-message.ts'
import { refusalOf } from '../../../src/llm/dialects/refusal.ts'
import { readInstant } from '../../../src/llm/dialects/rfc3339.ts'
import { toldBudgets } from '../../../src/llm/dialects/told-budgets.ts'
import { delayOf, readError } from '../../../src/llm/dialects/told-error.ts'
import { UsageReader } from '../../../src/llm/dialects/usage-reader.ts'
import { tokenEstimator } from '../../../src/llm/estimator.ts'
import { anthropic } from '../../../src/llm/profiles/anthropic.ts'
import { openai } from '../../../src/llm/profiles/openai.ts'
import { seeded } from '../../../src/ground/index.ts'
import { recorded } from './streams.ts'

const TURNS = 100_000
const random = seeded(2026)
const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!
const ODD = [
  '',
  '-1',
  '0',
  '1e999',
  'NaN',
  '9'.repeat(40),
  '\u0000',
  '😀',
  '\ud800',
  '{',
  '}',
  '"',
  '\\',
  ':',
  '\n',
  ' ',
  '.',
  'm',
  's',
  '0s',
  'T',
  'Z',
]

/** The text with a few of its characters gone, doubled, or replaced. */
function mutated(text: string): string {
  let made = text
  for (let turn = 1 + Math.floor(random() * 3); turn > 0; turn--) {
    const at = Math.floor(random() * (made.length + 1))
    const length = Math.floor(random() * 4)
    made = made.slice(0, at) + pick(ODD) + made.slice(at + (random() < 0.5 ? length : 0))
  }
  return made
}

const values: readonly unknown[] = [
  null,
  undefined,
  true,
  -1,
  0,
  1.5,
  1e308,
  Number.NaN,
  '',
  'x',
  [],
  {},
  [[]],
  [null],
  { type: 'image' },
  'data:'.padEnd(2000, 'x'),
]

/** JSON with one value somewhere in it replaced. */
function mutatedJson(value: unknown): unknown {
  if (random() < 0.2 || typeof value !== 'object' || value === null) return pick(values)
  if (Array.isArray(value)) {
    const at = Math.floor(random() * value.length)
    return value.map((item, place) => (place === at ? mutatedJson(item) : item))
  }
  const key = pick(Object.keys(value))
  return { ...value, [key]: mutatedJson((value as Record<string, unknown>)[key]) }
}

function numberOrNothing(value: number | undefined): void {
  assert.ok(value === undefined || (Number.isFinite(value) && value >= 0), String(value))
}

const asked = {
  model: 'm',
  n: 2,
  max_tokens: 7,
  stream: true,
  stream_options: { include_usage: true },
  metadata: { user_id: 'u' },
  generationConfig: { candidateCount: 2, maxOutputTokens: 5 },
  system: [{ type: 'text', text: 'a' }],
  messages: [
    {
      role: 'user',
      content: [
        { type: 'image_url', image_url: { url: 'x', detail: 'low' } },
        { type: 'text', text: 'b' },
      ],
    },
    {
      role: 'user',
      content: [
        { type: 'document', source: { type: 'text', data: 'c' } },
        { type: 'input_audio', input_audio: { data: 'd' } },
      ],
    },
  ],
  tools: [{ name: 'f', input_schema: { type: 'object', properties: { a: { type: 'string' } } } }],
}
const errors = [
  {
    error: {
      message: 'Limit 5, Used 4, Requested 3. Please try again in 1m2.5s.',
      type: 'tokens',
      code: 'rate_limit_exceeded',
    },
  },
  { type: 'error', error: { type: 'rate_limit_error', message: 'x', details: { error_code: 'ramp_limit_exceeded' } } },
  [
    {
      error: {
        code: 429,
        status: 'X',
        details: [
          { '@type': 'google.rpc.RetryInfo', retryDelay: '46s' },
          { '@type': 'google.rpc.QuotaFailure', violations: [{ quotaId: 'PerDay', quotaValue: '1' }] },
        ],
      },
    },
  ],
]
const answers = [
  { usage: { prompt_tokens: 1, prompt_tokens_details: { cached_tokens: 1 } }, choices: [{ finish_reason: 'stop' }] },
  { type: 'message_start', message: { usage: { input_tokens: 5, cache_read_input_tokens: 2 } } },
  { response: { status: 'incomplete', incomplete_details: { reason: 'x' }, usage: { output_tokens: 1 } } },
  { usageMetadata: { promptTokenCount: 4, thoughtsTokenCount: 2 }, candidates: [{ finishReason: 'STOP' }] },
]
const headers = ['12ms', '6m0s', '2026-11-21T15:00:00Z', '5000', '1.5', 'Sat, 21 Nov 2026 15:00:07 GMT', '-1', '']
const encoder = new TextEncoder()

describe(`${TURNS} mutated inputs`, () => {
  const estimator = tokenEstimator()

  it('S2.2 durations, instants, messages, paths', () => {
    for (let turn = 0; turn < TURNS; turn++) {
      numberOrNothing(readGoDuration(mutated(pick(headers))))
      const instant = readInstant(mutated('2026-11-21T15:00:00.25+01:00'))
      assert.ok(instant === undefined || Number.isFinite(instant))
      const { limit, used, requested, wait } = readOpenaiMessage(
        mutated('Limit 50, Used 47, Requested 6. Please try again in 1.146s.'),
      )
      for (const figure of [limit, used, requested, wait]) numberOrNothing(figure)
      dialectOf(mutated('/v1/chat/completions'))
    }
  })

  it('S2.2 headers', () => {
    const of = (): string | undefined =>
      random() < 0.2 ? undefined : random() < 0.5 ? pick(headers) : mutated(pick(headers))
    for (let turn = 0; turn < TURNS; turn++) {
      numberOrNothing(delayOf(of))
      for (const told of Object.values(toldBudgets(of, pick([openai, anthropic]).budgets, 1.7e12)))
        for (const figure of [told.limit, told.remaining, told.full]) numberOrNothing(figure)
    }
  })

  it('S2.2 errors', () => {
    const texts = errors.map((error) => JSON.stringify(error))
    for (let turn = 0; turn < TURNS; turn++) {
      const body = random() < 0.5 ? mutated(pick(texts)) : mutatedJson(pick(errors))
      const error = readError(pick([0, 200, 400, 413, 429, 500, 503, 529]), () => undefined, body)
      assert.ok(['wait', 'long', 'never', 'ramp', 'capacity', 'fault', 'request'].includes(refusalOf(error)))
      numberOrNothing(error.delay)
    }
  })

  it('S2.1 requests', () => {
    for (let turn = 0; turn < TURNS; turn++) {
      const read = readAsked(
        pick(['openai-chat', 'anthropic-messages', 'openai-responses', 'generic']),
        mutatedJson(asked),
        { hints: true },
      )
      numberOrNothing(read.maxOutput)
      numberOrNothing(estimator.tokens(read.measure))
      assert.ok(read.answers >= 1)
    }
  })

  it('S2.1 answers', () => {
    for (let turn = 0; turn < TURNS; turn++) {
      const { usage } = readAnswer(mutatedJson(pick(answers)))
      for (const figure of Object.values(usage ?? {})) numberOrNothing(figure as number)
    }
  })

  it('S2.4 streams, cut anywhere', () => {
    for (let turn = 0; turn < TURNS / 25; turn++) {
      const bytes = encoder.encode(mutated(pick(recorded).text))
      const reader = new UsageReader({ body: random() < 0.1 ? 'json' : 'events' })
      for (let at = 0; at < bytes.length;) {
        const size = 1 + Math.floor(random() * 200)
        reader.feed(bytes.subarray(at, at + size))
        at += size
      }
      reader.end()
      numberOrNothing(reader.streamedTokens(estimator))
      for (const figure of Object.values(reader.usage ?? {})) numberOrNothing(figure as number)
    }
  })
})

describe('time', () => {
  const best = (run: () => unknown): number => {
    let least = Infinity
    for (let round = 0; round < 5; round++) {
      const start = performance.now()
      run()
      least = Math.min(least, performance.now() - start)
    }
    return Math.max(least, 0.05)
  }
  // Eight times the input in at most 24 times the time: what grows by the square would take 64 times.
  const cases: Readonly<Record<string, (size: number) => () => unknown>> = {
    'S2.2 an error message of digits': (size) => {
      const message = 'try again in '.repeat(size / 13)
      return () => readError(429, () => undefined, { error: { message } })
    },
    'S2.2 a body that is no JSON': (size) => () => readError(429, () => undefined, '{'.repeat(size)),
    'S2.1 many messages': (size) => {
      const messages = Array.from({ length: size / 100 }, () => ({ role: 'user', content: 'hello there' }))
      return () => readAsked('openai-chat', { messages })
    },
    'S2.4 one line without an end, in chunks of 7 bytes': (size) => () => {
      const reader = new UsageReader()
      const chunk = encoder.encode('data: x')
      for (let at = 0; at < size; at += 7) reader.feed(chunk)
    },
    'S2.4 data of very many lines': (size) => {
      const chunk = encoder.encode('data: x\n'.repeat(size / 8))
      return () => new UsageReader().feed(chunk)
    },
    'S2.4 braces without an end behind a usage': (size) => {
      const chunk = encoder.encode(`data: ${'"usage":{'.repeat(size / 9)}\n\n`)
      return () => {
        const reader = new UsageReader()
        for (let at = 0; at < chunk.length; at += 5000) reader.feed(chunk.subarray(at, at + 5000))
      }
    },
  }
  for (const [name, make] of Object.entries(cases))
    it(`${name}: linear`, () => {
      const [one, eight] = [best(make(100_000)), best(make(800_000))]
      assert.ok(eight < 24 * one + 5, `${one.toFixed(2)} ms, then ${eight.toFixed(2)} ms`)
    })
})
