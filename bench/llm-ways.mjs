// What a way into a pool costs a call: the official SDKs, unmodified, with a fetch that answers by itself, with and without
// a pool whose budgets are never short. The best of several rounds, alternating: `node bench/llm-ways.mjs [calls]`.
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { setUp } from '../scripts/setup.mjs'

setUp()
const { llmPool, provider, wrapAnthropic, wrapOpenai } = await import('sluice/llm')

const calls = Number(process.argv[2] ?? 1000)
const ROUNDS = 7
const messages = [{ role: 'user', content: 'word '.repeat(200) }]
const asked = { model: 'm', max_tokens: 100, messages }
const said = { role: 'assistant', content: 'word '.repeat(50) }
const openaiAnswer = JSON.stringify({
  object: 'chat.completion',
  choices: [{ index: 0, message: said, finish_reason: 'stop' }],
  usage: { prompt_tokens: 200, completion_tokens: 50 },
})
const anthropicAnswer = JSON.stringify({
  type: 'message',
  content: [{ type: 'text', text: said.content }],
  usage: { input_tokens: 200, output_tokens: 50 },
})
const chunk = JSON.stringify({ choices: [{ index: 0, delta: { content: 'word ' } }] })
const stream = `${`data: ${chunk}\n\n`.repeat(50)}data: [DONE]\n\n`
const answers = (body, type = 'application/json') => {
  return async () => new Response(body, { headers: { 'content-type': type } })
}

const pool = llmPool({
  limits: [provider.openai({ model: 'm', rpm: 1e9, tpm: 1e12 })],
})
const options = (fetch) => ({ apiKey: 'any', fetch })
const openai = new OpenAI(options(answers(openaiAnswer)))
const streaming = new OpenAI(options(answers(stream, 'text/event-stream')))
const anthropic = new Anthropic(options(answers(anthropicAnswer)))
const read = async (client) => {
  for await (const part of await client.chat.completions.create({ ...asked, stream: true })) void part
}
const cases = {
  'openai, whole answer': (client) => client.chat.completions.create(asked),
  'openai, stream of 50 pieces': read,
  'anthropic, whole answer': (client) => client.messages.create(asked),
}
const clients = {
  'openai, whole answer': [openai, wrapOpenai(openai, pool)],
  'openai, stream of 50 pieces': [streaming, wrapOpenai(streaming, pool)],
  'anthropic, whole answer': [anthropic, wrapAnthropic(anthropic, pool)],
}

process.stdout.write('| call | SDK alone, µs | through a pool, µs | more, µs |\n|---|---|---|---|\n')
for (const [name, call] of Object.entries(cases)) {
  const best = [Infinity, Infinity]
  for (let round = 0; round < ROUNDS; round++)
    for (const [at, client] of clients[name].entries()) {
      const from = performance.now()
      for (let count = 0; count < calls; count++) await call(client)
      best[at] = Math.min(best[at], ((performance.now() - from) * 1000) / calls)
    }
  const [alone, pooled] = best
  process.stdout.write(`| ${name} | ${alone.toFixed(0)} | ${pooled.toFixed(0)} | ${(pooled - alone).toFixed(0)} |\n`)
}
await pool.close()
