import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { APICallError, generateText, jsonSchema, RetryError, stepCountIs, streamText, tool } from 'ai'
import { wish, withEmulator } from './emulate-rig.ts'
import { aiOf, poolOf, standing } from './llm-clients-rig.ts'

for (const dialect of ['openai', 'anthropic'] as const)
  describe(`aiMiddleware over ${dialect}`, () => {
    const profile = dialect

    it('S2.1 generate and stream: settled by what the provider says it used', async () => {
      await withEmulator({ profile, output: 5 }, async (_, url) => {
        const pool = poolOf({}, {}, dialect)
        const model = aiOf(url, pool, dialect)
        const first = await generateText({ model, prompt: 'hello' })
        assert.equal(first.text, 'the gate opens for whoever')
        const stream = streamText({ model, prompt: 'hello' })
        assert.equal(await stream.text, first.text)
        assert.equal(await stream.finishReason, 'stop')
        const usage = await stream.usage
        assert.equal(usage.outputTokens, 5)
        assert.deepEqual(Object.keys((await stream.providerMetadata) ?? {}), [dialect])
        assert.ok(((await stream.response).headers ?? {})['content-type']?.startsWith('text/event-stream'))
        const { begun, settled, unknown, used, inflight } = standing(pool)
        assert.deepEqual([begun, settled, unknown, inflight], [2, 2, 0, 0])
        assert.deepEqual(used, { input: (first.usage.inputTokens ?? 0) + (usage.inputTokens ?? 0), output: 10 })
      })
    })

    it('tools, to the end of their loop: a call of the pool each', async () => {
      await withEmulator({ profile }, async (_, url) => {
        const pool = poolOf({}, {}, dialect)
        const inputSchema = jsonSchema<{ city: string }>({
          type: 'object',
          properties: { city: { type: 'string' } },
          additionalProperties: false,
        })
        const weather = tool({ description: 'the weather', inputSchema, execute: async () => 'rain' })
        const call = { model: aiOf(url, pool, dialect), prompt: 'hello', tools: { weather }, stopWhen: stepCountIs(3) }
        assert.match((await generateText(call)).text, /^the gate/)
        assert.match(await streamText(call).text, /^the gate/)
        assert.deepEqual([standing(pool).begun, standing(pool).settled], [4, 4])
      })
    })

    it('within the retries of the AI SDK each attempt counts once', async () => {
      const fault = { kind: 'server-error' } as const
      await withEmulator({ profile, faults: [{ fault, count: 1 }] }, async ({ provider }, url) => {
        const pool = poolOf({}, {}, dialect)
        const model = aiOf(url, pool, dialect)
        await generateText({ model, prompt: 'hello' })
        const { begun, settled, refusals, inflight } = standing(pool)
        assert.deepEqual([begun, settled, refusals, inflight], [2, 1, { fault: 1 }, 0])
        assert.equal(provider.tally.arrived, 2)
        const again = generateText({ model, prompt: 'hello', maxRetries: 0, ...wish({ fault }) })
        await assert.rejects(again, (error) => APICallError.isInstance(error) && error.isRetryable)
        assert.equal(provider.tally.arrived, 3)
      })
    })

    it('what waiting does not help is not repeated, whatever its status', async () => {
      await withEmulator({ profile, faults: [{ fault: { kind: 'spend' } }] }, async ({ provider }, url) => {
        const pool = poolOf({}, {}, dialect)
        await assert.rejects(generateText({ model: aiOf(url, pool, dialect), prompt: 'hello' }), (error) => {
          assert.ok(!RetryError.isInstance(error))
          return APICallError.isInstance(error) && error.statusCode === 429 && !error.isRetryable
        })
        assert.equal(provider.tally.arrived, 1)
      })
    })

    it('an error in the middle of a stream, and one that is cut', async () => {
      for (const kind of ['stream-error', 'cut'] as const)
        await withEmulator({ profile, output: 20, engine: { tokensPerSecond: 2000 } }, async (_, url) => {
          const pool = poolOf({}, {}, dialect)
          const errors: unknown[] = []
          const onError = ({ error }: { error: unknown }): void => void errors.push(error)
          const call = { model: aiOf(url, pool, dialect), prompt: 'hello', onError }
          const stream = streamText({ ...call, ...wish({ fault: { kind, after: 3 } }) })
          try {
            for await (const part of stream.textStream) void part
          } catch (error) {
            errors.push(error)
          }
          assert.ok(errors.length > 0)
          assert.deepEqual([standing(pool).inflight, Object.values(standing(pool).refusals)], [0, [1]])
        })
    })

    it('what the pool refuses is thrown as an APICallError, once', async () => {
      await withEmulator({ profile }, async ({ provider }, url) => {
        const pool = poolOf(dialect === 'openai' ? { tpm: 5000 } : { itpm: 5000 }, {}, dialect)
        const call = generateText({ model: aiOf(url, pool, dialect), prompt: 'hello '.repeat(10_000) })
        await assert.rejects(call, (error) => {
          assert.ok(APICallError.isInstance(error), String(error))
          assert.match(error.message, /never fit/)
          assert.equal(error.responseHeaders?.['x-sluice-refused'], 'never_fits')
          return error.cause instanceof RangeError && !error.isRetryable
        })
        await pool.close()
        await assert.rejects(
          generateText({ model: aiOf(url, pool, dialect), prompt: 'hello' }),
          (error) => APICallError.isInstance(error) && error.statusCode === 503,
        )
        assert.equal(provider.tally.arrived, 0)
      })
    })

    it('the context of pool.with reaches the pool', async () => {
      await withEmulator({ profile }, async (_, url) => {
        const tenants: string[] = []
        const pool = poolOf({}, { weight: (tenant) => (tenants.push(tenant), 1) }, dialect)
        const model = aiOf(url, pool, dialect)
        await pool.with({ tenant: 'acme' }, () => generateText({ model, prompt: 'hello' }))
        await pool.with({ tenant: 'zeta' }, () => streamText({ model, prompt: 'hello' }).text)
        assert.deepEqual([...new Set(tenants)], ['acme', 'zeta'])
      })
    })
  })
