// What it costs to read along: the usage of streams as their bytes pass, and what requests ask for.
//
//   node bench/dialects.mjs [--rounds 40]
//
// The best of so many rounds. JSON.parse of the same, already decoded, stands beside: the least it costs to understand an
// event at all. A gateway that only forwards pays neither.
import { parseArgs } from 'node:util'
import { readAsked } from '../packages/sluice/dist/src/llm/dialects/asked.js'
import { UsageReader } from '../packages/sluice/dist/src/llm/dialects/usage-reader.js'
import { tokenEstimator } from '../packages/sluice/dist/src/llm/estimator.js'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '40' } } })
const rounds = Number(values.rounds)

function best(run) {
  let least = Infinity
  for (let round = 0; round < rounds; round++) {
    const start = performance.now()
    run()
    least = Math.min(least, performance.now() - start)
  }
  return least
}

const words = ['The', ' quick', ' brown', ' fox', ' jumps', ' over', ' the', ' lazy', ' dog', '.']
const events = {
  'OpenAI chat': (turn) =>
    `data: ${JSON.stringify({ id: 'chatcmpl-AbCdEf123456', object: 'chat.completion.chunk', created: 1_763_740_000, model: 'gpt-x', service_tier: 'default', system_fingerprint: 'fp_1234567890', choices: [{ index: 0, delta: { content: words[turn % 10] }, logprobs: null, finish_reason: null }], usage: null, obfuscation: 'abcdefgh' })}\n\n`,
  'OpenAI Responses': (turn) =>
    `event: response.output_text.delta\ndata: ${JSON.stringify({ type: 'response.output_text.delta', sequence_number: turn, item_id: 'msg_68a4d4a1', output_index: 0, content_index: 0, delta: words[turn % 10], logprobs: [], obfuscation: 'abcdefgh' })}\n\n`,
  Anthropic: (turn) =>
    `event: content_block_delta\ndata: ${JSON.stringify({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: words[turn % 10] } })}\n\n`,
}
const count = 2000
process.stdout.write(`µs for each event of a stream (best of ${rounds})\n\n`)
process.stdout.write(
  '| stream | bytes | a chunk each | 7 bytes a chunk | 16 events a chunk | JSON.parse alone |\n|---|---|---|---|---|---|\n',
)
for (const [name, make] of Object.entries(events)) {
  const texts = Array.from({ length: count }, (_, turn) => make(turn))
  const whole = Buffer.from(texts.join(''))
  const cut = (size) => {
    const chunks = []
    for (let at = 0; at < whole.length; at += size) chunks.push(whole.subarray(at, at + size))
    return chunks
  }
  const feed = (chunks) => () => {
    const reader = new UsageReader()
    for (const chunk of chunks) reader.feed(chunk)
    if (reader.deltas !== count) throw new Error(`${reader.deltas} events were read`)
  }
  const data = texts.map((text) => text.slice(text.indexOf('{')))
  const times = [
    best(feed(texts.map((text) => Buffer.from(text)))),
    best(feed(cut(7))),
    best(feed(cut(Math.ceil((whole.length / count) * 16)))),
    best(() => data.forEach((text) => JSON.parse(text))),
  ]
  const each = times.map((time) => ((1000 * time) / count).toFixed(2))
  process.stdout.write(`| ${name} | ${Math.round(whole.length / count)} | ${each.join(' | ')} |\n`)
}

const long = Buffer.concat([
  Buffer.from('data: {"type":"response.completed","response":{"output":"'),
  Buffer.alloc(1_000_000, 97),
  Buffer.from('","usage":{"input_tokens":1,"output_tokens":2}}}\n\n'),
])
const pieces = Array.from({ length: Math.ceil(long.length / 16_384) }, (_, at) =>
  long.subarray(at * 16_384, (at + 1) * 16_384),
)
const passed = best(() => {
  const reader = new UsageReader()
  for (const piece of pieces) reader.feed(piece)
  if (reader.usage?.output !== 2) throw new Error('the usage was not found')
})
process.stdout.write(`\nan event of 1 MB with its usage at the end, in chunks of 16 KiB: ${passed.toFixed(2)} ms\n`)

const estimator = tokenEstimator()
const requests = {
  '1 message of 1 kB': [1, 1000],
  '100 messages of 1 kB': [100, 1000],
  '1 message of 100 kB': [1, 100_000],
  '1,000 messages of 1 kB': [1000, 1000],
}
process.stdout.write(
  '\nms for what a request asks and its estimate\n\n| request | read | JSON.parse of it |\n|---|---|---|\n',
)
for (const [name, [messages, size]] of Object.entries(requests)) {
  const content = words
    .join('')
    .repeat(Math.ceil(size / 45))
    .slice(0, size)
  const text = JSON.stringify({
    model: 'gpt-x',
    max_tokens: 100,
    messages: Array.from({ length: messages }, () => ({ role: 'user', content })),
  })
  const body = JSON.parse(text)
  const times = Math.ceil(200_000 / (messages * size))
  const many = (run) => () => {
    for (let time = 0; time < times; time++) run()
  }
  const read = best(many(() => estimator.tokens(readAsked('openai-chat', body).measure, 'gpt-x'))) / times
  const parsed = best(many(() => JSON.parse(text))) / times
  process.stdout.write(`| ${name} | ${read.toFixed(3)} | ${parsed.toFixed(3)} |\n`)
}
