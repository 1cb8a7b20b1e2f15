import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ErrorAnswer } from '../../src/emulate/dialects/dialect.ts'
import type { ProviderRefusal, RefusalReason } from '../../src/emulate/index.ts'
import { PROFILES, type ProfileName } from '../../src/emulate/index.ts'
import { estimateOf, promptSize, tokensOf } from '../../src/emulate/prompt-size.ts'
import { prose, verbatim } from '../../src/emulate/prose.ts'
import { routeOf } from '../../src/emulate/route.ts'
import { sampleValue } from '../../src/emulate/sample-value.ts'

const CALLS: Readonly<Record<string, string>> = {
  chat: '/v1/chat/completions',
  messages: '/v1/messages',
  gemini: '/v1beta/models/g:generateContent',
  converse: '/model/b/converse',
}

function refusal(call: string, reason: RefusalReason, profile: ProfileName = 'openai'): ErrorAnswer {
  const figures = { limit: 1000, used: 900, requested: 200, window: 60_000, continuous: true }
  const about = { about: { dimension: 'tokens', ...figures }, wait: 6000 } as const
  const no: ProviderRefusal = { admitted: false, reason, ...(reason === 'tokens' && about) }
  return routeOf(CALLS[call]!)!.dialect.refuse(no, 'm', PROFILES[profile])
}

describe('refusals in each dialect', () => {
  // LLM.md §2.1, error classes.
  for (const [call, reason, profile, status, code] of [
    ['chat', 'tokens', 'openai', 429, 'rate_limit_exceeded'],
    ['chat', 'spend', 'openai', 429, 'insufficient_quota'],
    ['chat', 'slow-down', 'openai', 429, 'slow_down'],
    ['chat', 'overloaded', 'openai', 503, 'server_is_overloaded'],
    ['chat', 'overloaded', 'azure', 429, 'high demand'],
    ['chat', 'flex', 'openai', 429, 'Resource Unavailable'],
    ['chat', 'server-error', 'openai', 500, 'server_error'],
    ['messages', 'tokens', 'anthropic', 429, 'rate_limit_error'],
    ['messages', 'spend', 'anthropic', 429, 'enforced_spend_limit_reached'],
    ['messages', 'slow-down', 'anthropic', 429, 'acceleration'],
    ['messages', 'overloaded', 'anthropic', 529, 'overloaded_error'],
    ['messages', 'server-error', 'anthropic', 500, 'api_error'],
    ['gemini', 'tokens', 'gemini', 429, 'RESOURCE_EXHAUSTED'],
    ['gemini', 'spend', 'gemini', 429, 'limit: 0'],
    ['gemini', 'overloaded', 'gemini', 503, 'UNAVAILABLE'],
    ['converse', 'tokens', 'bedrock', 429, 'Too many tokens'],
    ['converse', 'overloaded', 'bedrock', 529, 'Overloaded'],
  ] as const)
    it(`${call}, ${reason}, ${profile}: ${status} ${code}`, () => {
      const answer = refusal(call, reason, profile)
      assert.equal(answer.status, status)
      assert.ok(JSON.stringify(answer.body).includes(code), JSON.stringify(answer.body))
    })

  it('Gemini says in its body how long, and whether it is a minute or a day', () => {
    const { body } = refusal('gemini', 'tokens', 'gemini') as { body: { error: { details: unknown[] } } }
    const text = JSON.stringify(body.error.details)
    assert.match(text, /"retryDelay":"6s"/)
    assert.match(text, /"quotaId":"GenerateInputTokensPerModelPerMinute"/)
  })
})

describe('routeOf', () => {
  for (const path of [
    '/v1/chat/completions',
    '/chat/completions',
    '/openai/v1/chat/completions',
    '/openai/deployments/gpt/chat/completions',
    '/v1/responses',
    '/v1/messages',
    '/v1beta/models/gemini-x:streamGenerateContent',
    '/model/anthropic.claude/converse',
  ])
    it(`knows ${path}`, () => assert.ok(routeOf(path)))

  it('takes the model from the path where it is there', () => {
    assert.equal(routeOf('/openai/deployments/a%20b/chat/completions')?.path.model, 'a b')
    assert.deepEqual(routeOf('/v1beta/models/g:streamGenerateContent')?.path, { model: 'g', stream: true })
  })

  it('knows nothing else', () => {
    for (const path of ['/', '/v1', '/v1/chat', '/v1/chat/completions/x', '/v2/messages'])
      assert.equal(routeOf(path), undefined)
  })
})

describe('what answers say', () => {
  it('prose is its slices', () => {
    const words = prose(40)
    assert.equal(words.slice(0, 7) + words.slice(7, 40), words.slice(0, 40))
    assert.equal(words.slice(0, 40).split(' ').length, 40)
    assert.equal(words.slice(0, 99), words.slice(0, 40))
  })

  it('a text of its own is whole when all its tokens have come', () => {
    const text = verbatim('{"city":"sample"}')
    assert.equal(text.length, 5)
    assert.equal(text.slice(0, 2) + text.slice(2, 5), '{"city":"sample"}')
  })

  it('a sample fits its schema', () => {
    const schema = {
      type: 'object',
      properties: {
        name: { type: 'string' },
        unit: { enum: ['c', 'f'] },
        days: { type: 'integer', minimum: 3 },
        tags: { type: 'array', items: { type: 'string' } },
        maybe: { anyOf: [{ type: 'null' }, { type: 'number' }] },
        kind: { const: 'x' },
        on: { type: ['boolean', 'null'] },
      },
    }
    assert.deepEqual(sampleValue(schema), {
      name: 'sample',
      unit: 'c',
      days: 3,
      tags: ['sample'],
      maybe: null,
      kind: 'x',
      on: true,
    })
    const endless: Record<string, unknown> = { type: 'object' }
    endless['properties'] = { next: endless }
    assert.ok(JSON.stringify(sampleValue(endless)).length < 1000)
  })
})

describe('promptSize', () => {
  it('counts what is said; the door counts characters, the tokenizer bytes', () => {
    const size = promptSize(2, [
      { role: 'u', content: 'äöü€' },
      { role: 'a', content: [{ text: 'abcd' }] },
    ])
    assert.deepEqual(size, { characters: 10, bytes: 15, images: 0, messages: 2 })
    assert.equal(estimateOf(size), 3)
    assert.equal(tokensOf(size, 3), 5 + 8)
  })

  it('a picture counts as one, however long it is', () => {
    const content = [{ type: 'image_url', image_url: { url: `data:${'x'.repeat(100_000)}` } }]
    const size = promptSize(1, [{ content }])
    assert.deepEqual([size.characters, size.images], [0, 1])
    assert.equal(estimateOf(size), 1000)
  })
})
