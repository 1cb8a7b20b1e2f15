// A model server that costs next to nothing. What it does with a call stands in the header `x-bench`: nothing: an answer at
// once, streamed where that is asked for; `paced <ms> <count>`: a token every so many ms; `flood <kB>`: so much text, as fast as
// it is read; `wait`: nothing. Prints its port; tells on `GET /aborted` how many calls were given up.
import { createServer } from 'node:http'

const event = (content) =>
  `data: {"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{"content":"${content}"}}]}\n\n`
const LAST = 'data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
const ANSWER = JSON.stringify({
  id: 'c',
  object: 'chat.completion',
  model: 'm',
  choices: [{ index: 0, message: { role: 'assistant', content: 'hello' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 9, completion_tokens: 1, total_tokens: 10 },
})
const FLOOD = event('a'.repeat(4000)).repeat(4)
let aborted = 0

const server = createServer({ keepAliveTimeout: 120_000 }, (req, res) => {
  if (req.url === '/aborted') return void res.end(String(aborted))
  let body = ''
  req.on('data', (chunk) => (body += chunk)).on('end', () => answer(req.headers['x-bench'] ?? '', body, res))
})

function answer(how, body, res) {
  const [kind, every, count] = how.split(' ')
  res.on('close', () => (aborted += res.writableFinished ? 0 : 1))
  if (kind === 'wait') return
  if (kind === 'paced') return pace(res, Number(every), Number(count))
  if (!body.includes('"stream":true')) {
    res.writeHead(200, { 'content-type': 'application/json', 'content-length': ANSWER.length }).end(ANSWER)
    return
  }
  res.writeHead(200, { 'content-type': 'text/event-stream' })
  if (kind !== 'flood') return void res.end(event('hello') + LAST)
  let left = (Number(every) * 1000) / FLOOD.length
  const flow = () => {
    while (!res.destroyed) {
      if (left-- < 0) return void res.end(LAST)
      if (!res.write(FLOOD)) return
    }
  }
  res.on('drain', flow)
  flow()
}

function pace(res, every, count) {
  res.writeHead(200, { 'content-type': 'text/event-stream' })
  let left = count
  const timer = setInterval(() => {
    if (left-- > 0) return void res.write(event('hello'))
    clearInterval(timer)
    res.end(LAST)
  }, every)
  res.on('close', () => clearInterval(timer))
}

server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`))
process.stdin.resume().on('end', () => process.exit(0))
