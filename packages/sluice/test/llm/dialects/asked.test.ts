import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { dialectOf } from '../../../src/llm/dialects/dialect.ts'
import { readAsked } from '../../../src/llm/dialects/asked.ts'
import { tokenEstimator } from '../../../src/llm/estimator.ts'

const estimator = tokenEstimator()

describe('the dialect of a path', () => {
  for (const [path, dialect] of Object.entries({
    '/v1/chat/completions': 'openai-chat',
    '/v1/chat/completions/': 'openai-chat',
    '/openai/deployments/gpt-4o/chat/completions?api-version=2026-01-01': 'openai-chat',
    '/openai/v1/responses': 'openai-responses',
    '/v1/messages?beta=true': 'anthropic-messages',
    '/anthropic/v1/messages': 'anthropic-messages',
    '/v1/completions': 'generic',
    '/v1beta/models/gemini-x:streamGenerateContent?alt=sse': 'generic',
    '/model/anthropic.claude/converse-stream': 'generic',
    '/v1/messages/count_tokens': undefined,
    '/v1/threads/t1/messages': undefined,
    '/v1/models': undefined,
    '/v1/responses/resp_1': undefined,
    '/': undefined,
    '': undefined,
  }))
    it(`${path} → ${dialect}`, () => assert.equal(dialectOf(path), dialect))
})

describe('what a request asks', () => {
  it('S2.1 of OpenAI chat: model, stream, bounds, tools, pictures', () => {
    const asked = readAsked('openai-chat', {
      model: 'gpt-x',
      stream: true,
      stream_options: { include_usage: true },
      n: 3,
      max_tokens: 1,
      max_completion_tokens: 500,
      user: 'somebody',
      messages: [
        { role: 'system', content: 'You are terse.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is in these?' },
            { type: 'image_url', image_url: { url: `data:image/png;base64,${'A'.repeat(400_000)}`, detail: 'low' } },
            { type: 'image_url', image_url: { url: 'https://example.org/x.png' } },
          ],
        },
      ],
      tools: [{ type: 'function', function: { name: 'find', description: 'Finds', parameters: { type: 'object' } } }],
    })
    assert.equal(asked.model, 'gpt-x')
    assert.equal(asked.stream, true)
    assert.equal(asked.usageInStream, true)
    // The lower bound of two could be a lie: the larger one is reserved, for each answer.
    assert.equal(asked.maxOutput, 1500)
    assert.equal(asked.answers, 3)
    assert.deepEqual([asked.messages, asked.tools, asked.images], [2, 1, 2])
    assert.equal(asked.hint, undefined)
    const tokens = estimator.tokens(asked.measure)
    assert.ok(tokens > 85 + 765 && tokens < 1000, `${tokens}: the picture is not counted as text`)
  })

  it('of OpenAI Responses: input, instructions, what stands elsewhere', () => {
    const asked = readAsked('openai-responses', {
      model: 'gpt-x',
      instructions: 'Be kind.',
      input: [
        { role: 'user', content: [{ type: 'input_text', text: 'word '.repeat(100) }] },
        { type: 'function_call', call_id: 'c1'.repeat(400), name: 'find', arguments: '{"a":1}' },
        { type: 'function_call_output', call_id: 'c', output: 'found' },
      ],
      previous_response_id: 'resp_1',
      max_output_tokens: 40,
      stream: true,
    })
    assert.deepEqual([asked.messages, asked.maxOutput, asked.more, asked.usageInStream], [3, 40, true, true])
    const tokens = estimator.tokens(asked.measure)
    assert.ok(tokens > 100 && tokens < 180, String(tokens))
    assert.equal(readAsked('openai-responses', { input: 'hello' }).maxOutput, undefined)
  })

  it('of Anthropic: system, tool results, documents', () => {
    const base = { model: 'claude-y', max_tokens: 1000, metadata: { user_id: 'u1' } }
    const asked = readAsked(
      'anthropic-messages',
      {
        ...base,
        system: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral' } }],
        messages: [
          { role: 'assistant', content: [{ type: 'tool_use', id: 't', name: 'find', input: { query: 'a cat' } }] },
          {
            role: 'user',
            content: [
              { type: 'tool_result', tool_use_id: 't', content: [{ type: 'text', text: 'one cat' }] },
              { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'A'.repeat(90_000) } },
              { type: 'document', source: { type: 'text', data: 'word '.repeat(50) } },
            ],
          },
        ],
      },
      { hints: true },
    )
    assert.deepEqual([asked.maxOutput, asked.images, asked.hint, asked.stream], [1000, 1, 'u1', false])
    const tokens = estimator.tokens(asked.measure)
    assert.ok(tokens > 1650 && tokens < 1750, String(tokens))
  })

  it('of Gemini and of completions of old', () => {
    const gemini = readAsked('generic', {
      contents: [
        { parts: [{ text: 'hello there' }, { inlineData: { mimeType: 'image/png', data: 'A'.repeat(9000) } }] },
      ],
      generationConfig: { maxOutputTokens: 70, candidateCount: 2 },
    })
    assert.deepEqual([gemini.maxOutput, gemini.images], [140, 1])
    const numbers = readAsked('generic', {
      prompt: Array.from({ length: 500 }, (_, at) => at),
      best_of: 4,
      max_tokens: 5,
    })
    assert.equal(numbers.maxOutput, 20)
    assert.ok(Math.abs(estimator.tokens(numbers.measure) - 507) < 5)
  })

  it('S2.1 of embeddings: nothing is answered but vectors', () => {
    for (const input of ['hello', ['hello', 'there'], [[1, 2, 3], [4]]])
      assert.equal(readAsked('generic', { model: 'e', input, dimensions: 256 }).maxOutput, 0)
    assert.equal(readAsked('generic', { model: 'm', prompt: 'hello' }).maxOutput, undefined)
  })

  it('S2.1 survives anything in its place', () => {
    let deep: unknown = 'x'
    for (let level = 0; level < 100_000; level++) deep = level % 2 === 0 ? [deep] : { content: deep }
    for (const body of [
      undefined,
      null,
      3,
      'x',
      [],
      {},
      { messages: deep },
      { tools: deep },
      { model: 7, n: -1, max_tokens: 'x' },
    ])
      assert.ok(readAsked('openai-chat', body).answers >= 1)
    assert.equal(readAsked('openai-chat', { model: 'm'.repeat(1000) }).model?.length, 256)
    assert.equal(readAsked('openai-chat', { max_tokens: 10, n: 0 }).maxOutput, 10)
  })
})
