import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  anthropicMiddleware,
  llmPool,
  provider,
  tokenEstimator,
  type AnthropicContextLike,
  type AnthropicMiddlewareOptions,
  type LlmPool,
} from '../../src/llm/index.ts'
import { aiMiddleware, type AiCallLike, type AiStreamLike } from '../../src/llm/ai.ts'
import { StepClock } from './step-clock.ts'

const ANSWER = { type: 'message', usage: { input_tokens: 9, output_tokens: 4 } }

function stage(options: Partial<AnthropicMiddlewareOptions> = {}): {
  clock: StepClock
  pool: LlmPool
  /** Makes a call whose attempts are answered so, and says when each was sent, in ms. */
  readonly call: (
    answers: readonly (Response | Error)[],
    asked?: Partial<NonNullable<AnthropicContextLike['options']>>,
  ) => { sent: number[]; answer: Promise<Response>; again: () => Promise<Response> }
} {
  const clock = new StepClock()
  const limits = [provider.anthropic({ model: 'm', rpm: 1e6, share: 1 })]
  const pool = llmPool({ limits, clock, random: () => 0.5, wall: () => clock.now(), queue: { maxWait: 20_000 } })
  const middleware = anthropicMiddleware(pool, { clock, random: () => 0, ...options })
  return {
    clock,
    pool,
    call: (answers, asked = {}) => {
      const began = clock.now()
      const sent: number[] = []
      const left = [...answers]
      const next = async (): Promise<Response> => {
        sent.push(clock.now() - began)
        const answer = left.shift() ?? Response.json(ANSWER)
        if (answer instanceof Error) throw answer
        return answer
      }
      const body = { model: 'm', max_tokens: 10, messages: [{ role: 'user', content: 'hello' }] }
      const options = { method: 'post', path: '/v1/messages', body, ...asked }
      const send = (): Promise<Response> => middleware({ signal: asked.signal }, next, { options })
      return { sent, answer: send(), again: send }
    },
  }
}

const failed = (headers: Record<string, string> = {}): Response =>
  Response.json({ type: 'error', error: { type: 'api_error', message: 'no' } }, { status: 500, headers })

describe('a way into a pool', () => {
  it('pauses as the official SDKs do after a failure, and goes by retry-after where there is one', async () => {
    const { clock, pool, call } = stage()
    const { sent, answer } = call([failed(), failed()])
    await clock.pass(10_000)
    assert.equal((await answer).status, 200)
    assert.deepEqual(sent, [0, 500, 1500])
    const told = call([failed({ 'retry-after': '3' })])
    await clock.pass(10_000)
    await (await told.answer).text()
    assert.deepEqual(told.sent, [0, 3000])
    const last = call([failed(), failed(), failed(), failed()])
    await clock.pass(10_000)
    const response = await last.answer
    assert.deepEqual([response.status, last.sent.length, response.headers.get('x-should-retry')], [500, 3, 'false'])
    assert.match(await response.text(), /api_error/)
    assert.deepEqual(pool.status()[0]!.refusals, { fault: 6 })
  })

  it('does not wait for what comes after its patience, nor where it makes no sense', async () => {
    const { clock, call } = stage()
    for (const headers of [{ 'retry-after': '3600' }, { 'x-should-retry': 'false' }]) {
      const { sent, answer } = call([Response.json({}, { status: 500, headers })])
      await clock.pass(1)
      assert.deepEqual([(await answer).status, sent], [500, [0]])
    }
  })

  it('is left at once in a pause, and holds nothing in it', async () => {
    const { clock, pool, call } = stage()
    const abort = new AbortController()
    const { sent, answer } = call([failed()], { signal: abort.signal })
    const ended = assert.rejects(answer, /given up/)
    await clock.pass(100)
    assert.equal(pool.status()[0]!.inflight, 0)
    abort.abort(new Error('given up'))
    await ended
    await clock.pass(10_000)
    assert.deepEqual([sent, pool.status()[0]!.begun], [[0], 1])
  })

  it('counts the attempts of an SDK that calls again', async () => {
    const { pool, call } = stage({ attempts: 2 })
    const { sent, answer, again } = call([new TypeError('first'), new TypeError('second')])
    await assert.rejects(answer, /first/)
    await assert.rejects(again(), /second/)
    assert.equal(sent.length, 2)
    // However often it does: it is not sent any more.
    await assert.rejects(again(), /second/)
    assert.deepEqual([sent.length, pool.status()[0]!.begun, pool.status()[0]!.inflight], [2, 2, 0])
  })

  it('knows a new call with the options of an old one', async () => {
    const { pool } = stage()
    const middleware = anthropicMiddleware(pool, { attempts: 1 })
    const options = { method: 'post', path: '/v1/messages', body: { model: 'm', messages: [] } }
    const request = { headers: new Headers({ 'x-stainless-retry-count': '0' }) }
    const lost = async (): Promise<Response> => {
      throw new TypeError('fetch failed')
    }
    await assert.rejects(middleware(request, lost, { options }), /fetch failed/)
    const answer = await middleware(request, async () => Response.json(ANSWER), { options })
    assert.equal(answer.status, 200)
  })

  it('lets a call of a model it does not know pass, where it is told to', async () => {
    const body = { model: 'other', messages: [] }
    const refused = stage().call([], { body })
    assert.deepEqual([(await refused.answer).status, refused.sent], [404, []])
    const passed = stage({ unknown: 'pass' }).call([], { body })
    assert.deepEqual([(await passed.answer).status, passed.sent], [200, [0]])
    const counting = stage().call([], { path: '/v1/messages/count_tokens' })
    assert.deepEqual([(await counting.answer).status, counting.sent], [200, [0]])
  })

  it('learns what prompts are from the usage', async () => {
    const estimator = tokenEstimator()
    const { clock, call } = stage({ estimator })
    for (let count = 0; count < 3; count++) {
      const { answer } = call([])
      await clock.pass(1)
      await (await answer).text()
    }
    assert.equal(estimator.seen('m'), 3)
  })
})

describe('aiMiddleware', () => {
  const model = { provider: 'any', modelId: 'm' }

  function pool(): LlmPool {
    return llmPool({ limits: [provider.generic({ model: 'm', tpm: 1e6 })] })
  }

  function parts(...list: readonly { type: string; delta?: string }[]): AiStreamLike {
    return { stream: ReadableStream.from(list) as AiStreamLike['stream'] }
  }

  const call: AiCallLike = { prompt: [{ role: 'user', content: [{ type: 'text', text: 'hello' }] }] }

  it('counts pictures and files by a table, whatever their bytes are', async () => {
    const takenBy = async (part: object): Promise<number> => {
      const given = pool()
      const prompt = [{ role: 'user', content: [part] }]
      const usage = {
        inputTokens: { total: undefined, cacheRead: undefined, cacheWrite: undefined },
        outputTokens: { total: 0 },
      }
      await aiMiddleware(given).wrapGenerate({
        doGenerate: async () => ({ usage }),
        params: { prompt, maxOutputTokens: 0 },
        model,
      })
      return given.status()[0]!.budgets.tokens!.utilization * 1e6
    }
    const text = await takenBy({ type: 'text', text: 'hello' })
    const image = await takenBy({ type: 'file', mediaType: 'image/png', data: new Uint8Array(1e6) })
    const address = await takenBy({ type: 'file', mediaType: 'image/png', data: new URL('https://example.com/a.png') })
    assert.ok(Math.abs(image - address) < 5, `${image} and ${address}`)
    assert.ok(image > text + 200 && image < 10_000, `${image}`)
  })

  it('settles a stream that ends without a word by what was seen of it', async () => {
    const given = pool()
    const deltas = Array.from({ length: 30 }, () => ({ type: 'text-delta', delta: 'word ' }))
    const { stream } = await aiMiddleware(given).wrapStream({
      doStream: async () => parts(...deltas),
      params: call,
      model,
    })
    for await (const part of stream) void part
    const { used, inflight, settled } = given.status()[0]!
    assert.deepEqual([inflight, settled], [0, 1])
    assert.ok(used.output >= 30 && used.output < 60, `${used.output}`)
  })

  it('ends with its reader', async () => {
    const given = pool()
    const { stream } = await aiMiddleware(given).wrapStream({
      doStream: async () => parts({ type: 'text-delta', delta: 'one' }, { type: 'text-delta', delta: 'two' }),
      params: call,
      model,
    })
    const reader = stream.getReader()
    await reader.read()
    assert.equal(given.status()[0]!.inflight, 1)
    await reader.cancel()
    const { inflight, used } = given.status()[0]!
    assert.equal(inflight, 0)
    assert.ok(used.output >= 1 && used.output <= 2, `${used.output}`)
  })
})
