import assert from 'node:assert/strict'
import type { RequestListener } from 'node:http'
import { describe, it } from 'node:test'
import { streamText } from 'ai'
import { until } from './proxy-rig.ts'
import { aiOf, HELLO, openaiOf, withDoor } from './llm-gateway-rig.ts'

/** Emulated streams have a role in their first piece: less tokens than pieces are nobody's usage. */
const OUTPUT = 9
const EMULATORS = [{ output: OUTPUT, engine: { chunk: 3 } }]

describe('S2.2 the usage of streams that do not tell it', () => {
  for (const usage of ['pass', 'inject'] as const)
    it(`${usage}: openai sees the same chunks, and the gateway ${usage === 'pass' ? 'estimates' : 'knows'}`, async () => {
      await withDoor({ yaml: `usage: ${usage}`, emulators: EMULATORS }, async ({ url, door, emulator }) => {
        const direct = openaiOf(`http://127.0.0.1:${emulator.port}`)
        const seen = async (openai: typeof direct): Promise<string[]> => {
          const chunks: string[] = []
          for await (const { choices, usage: told } of await openai.chat.completions.create({ ...HELLO, stream: true }))
            chunks.push(JSON.stringify([choices, told ?? null]))
          return chunks
        }
        assert.deepEqual(await seen(openaiOf(url)), await seen(direct))
        await until('the end', () => door.line.status.inflight === 0)
        const exact = door.meter.tokens.output === OUTPUT && door.estimator.seen('m') === 1
        assert.equal(exact, usage === 'inject', JSON.stringify(door.meter.tokens))
      })
    })

  it('inject: a client that asks for its usage gets it, whole answers are as ever, and ai works', async () => {
    await withDoor({ yaml: 'usage: inject', emulators: EMULATORS }, async ({ url, door }) => {
      const openai = openaiOf(url)
      const asked = { ...HELLO, stream: true as const, stream_options: { include_usage: true } }
      let last
      for await (const chunk of await openai.chat.completions.create(asked)) last = chunk
      assert.deepEqual([last?.choices, last?.usage!.completion_tokens], [[], OUTPUT])
      const whole = await openai.chat.completions.create(HELLO)
      assert.equal(whole.usage!.completion_tokens, OUTPUT)
      assert.equal((await streamText({ model: aiOf(url), prompt: 'hello' }).usage).outputTokens, OUTPUT)
      await until('the end', () => door.line.status.inflight === 0)
      assert.equal(door.meter.tokens.output, 3 * OUTPUT)
    })
  })

  it('inject: everything else of a request arrives as it was written, with its length', async () => {
    const bodies: string[] = []
    const listener: RequestListener = (req, res) => {
      let body = ''
      req.setEncoding('utf8').on('data', (part: string) => (body += part))
      req.on('end', () => {
        bodies.push(body)
        res.writeHead(200, { 'content-type': 'text/event-stream' }).end('data: [DONE]\n\n')
      })
    }
    await withDoor({ yaml: 'usage: inject', listener }, async ({ url }) => {
      const send = async (body: string): Promise<string> => {
        const response = await fetch(`${url}/v1/chat/completions`, { method: 'POST', body })
        assert.equal(response.status, 200)
        return response.text()
      }
      const body = '  { "seed" : 12345678901234567890, "stream": true,"model":"m" ,"messages":[] }'
      assert.equal(await send(body), 'data: [DONE]\n\n')
      const own = '{"stream":true,"stream_options":{"include_usage":false}}'
      await send(own)
      await send('{"stream":false}')
      assert.deepEqual(bodies, [
        body.replace('{', '{"stream_options":{"include_usage":true},'),
        own,
        '{"stream":false}',
      ])
    })
  })
})
