import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readAnswer } from '../../../src/llm/dialects/answer.ts'
import { usageOf } from '../../../src/llm/dialects/usage.ts'

describe('the usage of an answer', () => {
  it('S2.1 of OpenAI chat', () => {
    const usage = {
      prompt_tokens: 2006,
      completion_tokens: 300,
      total_tokens: 2306,
      prompt_tokens_details: { cached_tokens: 1920, audio_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 256, accepted_prediction_tokens: 0 },
    }
    assert.deepEqual(usageOf({ usage }), { input: 2006, output: 300, cacheRead: 1920, reasoning: 256, total: 2306 })
  })

  it('S2.1 of OpenAI Responses, whole and in its last event', () => {
    const usage = {
      input_tokens: 36,
      input_tokens_details: { cached_tokens: 30 },
      output_tokens: 87,
      output_tokens_details: { reasoning_tokens: 64 },
      total_tokens: 123,
    }
    const expected = { input: 36, output: 87, cacheRead: 30, reasoning: 64, total: 123 }
    assert.deepEqual(usageOf({ usage }), expected)
    assert.deepEqual(usageOf({ type: 'response.completed', response: { usage } }), expected)
  })

  it('S2.1 of Anthropic: what came from the cache and went into it is part of the prompt', () => {
    const usage = {
      input_tokens: 21,
      cache_creation_input_tokens: 188,
      cache_read_input_tokens: 5000,
      output_tokens: 393,
    }
    const expected = { input: 5209, output: 393, cacheRead: 5000, cacheWrite: 188 }
    assert.deepEqual(usageOf({ usage }), expected)
    assert.deepEqual(usageOf({ type: 'message_start', message: { usage } }), expected)
  })

  it('S2.1 of Groq, at the end of a stream', () => {
    const usage = { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10, queue_time: 0.1 }
    const told = { input: 7, output: 3, total: 10 }
    assert.deepEqual(usageOf({ choices: [{ delta: {}, finish_reason: 'stop' }], x_groq: { id: 'req_1', usage } }), told)
  })

  it('S2.1 of Gemini and Bedrock', () => {
    assert.deepEqual(
      usageOf({
        usageMetadata: {
          promptTokenCount: 10,
          candidatesTokenCount: 20,
          thoughtsTokenCount: 30,
          cachedContentTokenCount: 4,
          totalTokenCount: 60,
        },
      }),
      { input: 10, output: 50, cacheRead: 4, reasoning: 30, total: 60 },
    )
    assert.deepEqual(
      usageOf({ usage: { inputTokens: 5, outputTokens: 6, cacheReadInputTokens: 7, totalTokens: 18 } }),
      {
        input: 12,
        output: 6,
        cacheRead: 7,
        total: 18,
      },
    )
  })

  it('is undefined where nothing is told, and does not take what cannot be', () => {
    for (const body of [undefined, null, 'x', [], {}, { usage: null }, { usage: {} }, { usage: { prompt_tokens: -1 } }])
      assert.equal(usageOf(body), undefined)
    assert.deepEqual(usageOf({ usage: { prompt_tokens: '7', completion_tokens: 3 } }), { output: 3 })
  })
})

describe('why an answer ended', () => {
  for (const [body, finish] of [
    [{ choices: [{ finish_reason: 'length' }] }, 'length'],
    [{ choices: [{ finish_reason: null }] }, undefined],
    [{ stop_reason: 'end_turn' }, 'end_turn'],
    [{ type: 'message_delta', delta: { stop_reason: 'tool_use' } }, 'tool_use'],
    [{ object: 'response', status: 'completed' }, 'completed'],
    [{ response: { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } } }, 'max_output_tokens'],
    [{ response: { status: 'in_progress' } }, undefined],
    [{ candidates: [{ finishReason: 'STOP' }] }, 'STOP'],
  ] as const)
    it(JSON.stringify(body), () => assert.equal(readAnswer(body).finish, finish))
})
