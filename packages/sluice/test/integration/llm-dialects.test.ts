// What is written for official clients, read by them over real sockets: with their defaults and without retries.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { describe, it } from 'node:test'
import Anthropic, {
  APIError as AnthropicAPIError,
  BadRequestError as AnthropicBadRequestError,
  RateLimitError as AnthropicRateLimitError,
} from '@anthropic-ai/sdk'
import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import { APICallError, generateText, RetryError, streamText } from 'ai'
import OpenAI, {
  APIError as OpenAIAPIError,
  BadRequestError as OpenAIBadRequestError,
  InternalServerError as OpenAIInternalServerError,
  RateLimitError as OpenAIRateLimitError,
} from 'openai'
import { systemWallClock } from '../../src/ground/index.ts'
import { readAsked } from '../../src/llm/dialects/asked.ts'
import { dialectOf } from '../../src/llm/dialects/dialect.ts'
import { nativeErrorEvent } from '../../src/llm/dialects/native-error.ts'
import { nativeBudgetHeaders } from '../../src/llm/dialects/native-headers.ts'
import { openaiRateMessage } from '../../src/llm/dialects/openai-message.ts'
import { toldBudgets } from '../../src/llm/dialects/told-budgets.ts'
import { UsageReader } from '../../src/llm/dialects/usage-reader.ts'
import { anthropic as anthropicProfile } from '../../src/llm/profiles/anthropic.ts'
import { openai as openaiProfile } from '../../src/llm/profiles/openai.ts'
import { recorded } from '../llm/dialects/streams.ts'
import { against, ask, chat, errorOf, messages, refusing, respond, type Answer } from './llm-dialects-rig.ts'
import { serving } from './loopback.ts'

describe('the official clients', () => {
  const message = openaiRateMessage({
    model: 'gpt-x',
    organization: 'org-1',
    name: 'TPM',
    limit: 200_000,
    used: 195_869,
    requested: 4412,
  })

  it('S2.6 know a refusal for what it is', () =>
    against(
      refusing({ is: 'wait', message, budget: 'tokens', delay: 84, requestId: 'req_7' }),
      { maxRetries: 0 },
      async (openai, anthropic) => {
        for (const run of [chat(openai), respond(openai)]) {
          const error = await errorOf(run, OpenAIRateLimitError)
          assert.deepEqual(
            [error.status, error.type, error.code, error.requestID, error.message],
            [429, 'tokens', 'rate_limit_exceeded', 'req_7', `429 ${message}`],
          )
          assert.equal(error.headers.get('retry-after-ms'), '84')
        }
        const error = await errorOf(ask(anthropic), AnthropicRateLimitError)
        assert.deepEqual([error.type, error.requestID, error.apiMessage], ['rate_limit_error', 'req_7', message])
      },
    ))

  it('S2.6 know overload, a wrong request and a spent budget', async () => {
    await against(refusing({ is: 'capacity', message: 'Overloaded' }), { maxRetries: 0 }, async (openai, anthropic) => {
      assert.equal((await errorOf(chat(openai), OpenAIInternalServerError)).code, 'server_is_overloaded')
      const error = await errorOf(ask(anthropic), AnthropicAPIError)
      assert.deepEqual([error.status, error.type], [529, 'overloaded_error'])
    })
    await against(refusing({ is: 'request', message: 'No such model' }), {}, async (openai, anthropic, came) => {
      await errorOf(chat(openai), OpenAIBadRequestError)
      await errorOf(ask(anthropic), AnthropicBadRequestError)
      assert.equal(came.length, 2)
    })
    await against(refusing({ is: 'never', message: 'Spent' }), {}, async (openai, anthropic, came) => {
      assert.equal((await errorOf(chat(openai), OpenAIRateLimitError)).code, 'insufficient_quota')
      const error = await errorOf(ask(anthropic), AnthropicRateLimitError)
      assert.equal(error.errorCode, 'enforced_spend_limit_reached')
      // Their defaults try a 429 twice again; they were told not to.
      assert.equal(came.length, 2)
    })
  })

  it('S2.6 come again when they were told to, and not before', async () => {
    const delay = 50
    const later: Answer = (request, response, turn) => {
      if (turn < 3) return refusing({ is: 'wait', message, budget: 'tokens', delay })(request, response, turn)
      response.setHeader('content-type', 'application/json').end('{"id":"x","object":"chat.completion","choices":[]}')
    }
    for (const way of ['openai', 'anthropic'] as const)
      await against(later, {}, async (openai, anthropic, came) => {
        await (way === 'openai' ? chat(openai) : ask(anthropic))
        assert.equal(came.length, 3)
        for (const turn of [1, 2]) {
          const waited = came[turn]! - came[turn - 1]!
          // Without the header they would wait 375 to 1000 ms.
          assert.ok(waited >= delay - 2 && waited < 370, `${waited} ms`)
        }
      })
  })

  it('S2.6 do not come again for a wait they would not believe', () =>
    against(
      refusing({ is: 'long', message, budget: 'requestsDaily', delay: 432_000 }),
      {},
      async (openai, anthropic, came) => {
        await errorOf(chat(openai), OpenAIRateLimitError)
        await errorOf(ask(anthropic), AnthropicRateLimitError)
        assert.equal(came.length, 2)
      },
    ))

  it('S2.6 throw an error in the middle of a stream, and do not try again', () => {
    const broken: Answer = (request, response) => {
      const dialect = dialectOf(request.url ?? '') ?? 'generic'
      response.setHeader('content-type', 'text/event-stream')
      response.write(': queued\n\n')
      if (dialect === 'openai-chat') response.write('data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n')
      response.end(nativeErrorEvent(dialect, { is: 'capacity', message: 'Overloaded' }))
    }
    return against(broken, {}, async (openai, anthropic, came) => {
      const read = async (stream: Promise<AsyncIterable<unknown>>): Promise<void> => {
        for await (const part of await stream) assert.ok(part)
      }
      const chatError = await errorOf(
        read(openai.chat.completions.create({ model: 'gpt-x', messages, stream: true })),
        OpenAIAPIError,
      )
      assert.deepEqual([chatError.status, chatError.code], [undefined, 'server_is_overloaded'])
      const responsesError = await errorOf(
        read(openai.responses.create({ model: 'gpt-x', input: 'x', stream: true })),
        OpenAIAPIError,
      )
      assert.equal(responsesError.code, 'server_is_overloaded')
      const anthropicError = await errorOf(
        read(anthropic.messages.create({ model: 'claude-y', max_tokens: 10, messages, stream: true })),
        AnthropicAPIError,
      )
      assert.deepEqual([anthropicError.status, anthropicError.type], [undefined, 'overloaded_error'])
      assert.equal(came.length, 3)
    })
  })

  it('S2.4 see the same usage in a stream as the reader beside it, whatever the chunks', () => {
    const readers: UsageReader[] = []
    const streaming: Answer = (request, response) => {
      const { text } = recorded.find(
        ({ name }) => name === (request.url === '/v1/messages' ? 'Anthropic messages' : 'OpenAI chat'),
      )!
      const reader = new UsageReader()
      readers.push(reader)
      response.setHeader('content-type', 'text/event-stream')
      const bytes = Buffer.from(text)
      for (let at = 0; at < bytes.length; at += 7) {
        const chunk = bytes.subarray(at, at + 7)
        reader.feed(chunk)
        response.write(chunk)
      }
      response.end()
    }
    return against(streaming, {}, async (openai, anthropic) => {
      let usage: OpenAI.CompletionUsage | null | undefined
      const stream = await openai.chat.completions.create({ model: 'gpt-x', messages, stream: true })
      for await (const part of stream) usage = part.usage ?? usage
      assert.deepEqual(
        [usage?.prompt_tokens, usage?.completion_tokens],
        [readers[0]!.usage?.input, readers[0]!.usage?.output],
      )
      const said = await anthropic.messages.stream({ model: 'claude-y', max_tokens: 10, messages }).finalMessage()
      assert.equal(said.usage.output_tokens, readers[1]!.usage?.output)
      assert.equal(said.stop_reason, readers[1]!.finish)
    })
  })

  it('S2.1 send requests that are read for what they are', () => {
    const bodies: unknown[] = []
    const paths: string[] = []
    const server = createServer((request, response) => {
      let text = ''
      request.setEncoding('utf8').on('data', (part: string) => (text += part))
      request.once('end', () => {
        bodies.push(JSON.parse(text))
        paths.push(request.url!)
        response.setHeader('content-type', 'application/json').end('{"id":"x","choices":[],"output":[]}')
      })
    })
    return serving(server, async (port) => {
      const openai = new OpenAI({ apiKey: 'none', baseURL: `http://127.0.0.1:${port}/v1` })
      const anthropic = new Anthropic({ apiKey: 'none', baseURL: `http://127.0.0.1:${port}` })
      await openai.chat.completions.create({ model: 'gpt-x', messages, max_completion_tokens: 9, n: 2 })
      await openai.responses.create({ model: 'gpt-x', input: 'hello', max_output_tokens: 8 })
      await anthropic.messages.create({ model: 'claude-y', max_tokens: 7, messages })
      const read = bodies.map((body, at) => readAsked(dialectOf(paths[at]!)!, body))
      assert.deepEqual(
        read.map(({ model, maxOutput, stream }) => [model, maxOutput, stream]),
        [
          ['gpt-x', 18, false],
          ['gpt-x', 8, false],
          ['claude-y', 7, false],
        ],
      )
    })
  })

  it('S2.6 hand over the headers another Sluice paces on', () => {
    const budgets = {
      requests: { limit: 60, remaining: 59, full: 1000 },
      tokens: { limit: 9000, remaining: 8000, full: 6667 },
    }
    const telling: Answer = (request, response) => {
      for (const [name, value] of nativeBudgetHeaders(dialectOf(request.url!)!, budgets, systemWallClock()))
        response.setHeader(name, value)
      response.setHeader('content-type', 'application/json').end('{"id":"x"}')
    }
    return against(telling, {}, async (openai, anthropic) => {
      const now = systemWallClock()
      const { response } = await openai.chat.completions.create({ model: 'gpt-x', messages }).withResponse()
      const told = toldBudgets((name) => response.headers.get(name) ?? undefined, openaiProfile.budgets, now)
      assert.deepEqual(told.tokens, { limit: 9000, remaining: 8000, full: 6667, rounded: 1 })
      const other = await anthropic.messages.create({ model: 'claude-y', max_tokens: 7, messages }).withResponse()
      const header = (name: string): string | undefined => other.response.headers.get(name) ?? undefined
      const { tokens } = toldBudgets(header, anthropicProfile.budgets, now)
      assert.deepEqual([tokens?.limit, tokens?.remaining, tokens?.rounded], [9000, 8000, 1000])
      // Whole seconds on both sides, the date rounded down and the reset up.
      assert.ok(tokens!.full! >= 6667 && tokens!.full! <= 8700, String(tokens?.full))
    })
  })

  it('S2.6 the AI SDK waits as long as it was told, and leaves alone what is refused with 413', async () => {
    const models = (openai: OpenAI, anthropic: Anthropic) =>
      [
        createOpenAI({ apiKey: 'none', baseURL: openai.baseURL }).chat('gpt-x'),
        createAnthropic({ apiKey: 'none', baseURL: `${anthropic.baseURL}/v1` })('claude-y'),
      ] as const
    await against(
      refusing({ is: 'wait', message, budget: 'tokens', delay: 40 }),
      {},
      async (openai, anthropic, came) => {
        for (const model of models(openai, anthropic)) {
          const error = await errorOf(generateText({ model, prompt: 'hello' }), RetryError)
          const last = error.lastError
          assert.ok(APICallError.isInstance(last) && last.statusCode === 429 && last.message === message, String(last))
        }
        assert.equal(came.length, 6)
        // Without the header it would wait 2 s, then 4.
        assert.ok(came[2]! - came[0]! < 1500, `${came[2]! - came[0]!} ms`)
      },
    )
    const never = refusing({ is: 'never', message: 'Too large', budget: 'tokens', status: 413 })
    await against(never, {}, async (openai, anthropic, came) => {
      for (const model of models(openai, anthropic)) {
        const error = await errorOf(generateText({ model, prompt: 'hello' }), APICallError)
        assert.deepEqual([error.statusCode, error.message], [413, 'Too large'])
      }
      assert.equal(came.length, 2)
    })
    const broken: Answer = (request, response) => {
      response.setHeader('content-type', 'text/event-stream')
      response.end(
        nativeErrorEvent(dialectOf(request.url ?? '') ?? 'generic', { is: 'capacity', message: 'Overloaded' }),
      )
    }
    // With its default it tries an error that is the first event of a stream twice again, after 2 and 4 s.
    await against(broken, {}, async (openai, anthropic) => {
      for (const model of models(openai, anthropic)) {
        const errors: unknown[] = []
        const { textStream } = streamText({
          model,
          prompt: 'hello',
          maxRetries: 0,
          onError: ({ error }) => void errors.push(error),
        })
        for await (const part of textStream) assert.ok(part)
        assert.match(JSON.stringify(errors) + String(errors[0]), /Overloaded/)
      }
    })
  })
})
