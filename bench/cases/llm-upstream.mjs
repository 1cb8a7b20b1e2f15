// A model server that costs next to nothing. What it does with a call stands in the header `x-bench`: nothing: an answer at
// once, streamed where that is asked for; `paced <ms> <count>`: a token every so many ms; `flood <kB>`: so much text, as fast as
// it is read; `wait`: nothing. Prints its port.
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

const server = createServer({ keepAliveTimeout: 120_000 }, (req, res) => {
  let body = ''
  req.on('data', (chunk) => (body += chunk)).on('end', () => answer(req.headers['x-bench'] ?? '', body, res))
})

function answer(how, body, res) {
  const [kind, figure, count] = how.split(' ')
  if (kind === 'wait') return
  if (kind === 'paced') pace(res, Number(figure), Number(count))
  else if (kind === 'flood') flood(res, (Number(figure) * 1000) / FLOOD.length)
  else if (body.includes('"stream":true')) {
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    res.end(event('hello') + LAST)
  } else res.writeHead(200, { 'content-type': 'application/json', 'content-length': ANSWER.length }).end(ANSWER)
}

function flood(res, count) {
  res.writeHead(200, { 'content-type': 'text/event-stream' })
  let left = count
  const flow = () => {
    while (left > 0 && !res.destroyed) {
      left--
      if (!res.write(FLOOD)) break
    }
    if (left <= 0) res.end(LAST)
  }
  res.on('drain', flow)
  flow()
}

function pace(res, every, count) {
  res.writeHead(200, { 'content-type': 'text/event-stream' })
  let left = count
  const timer = setInterval(() => {
    if (left-- > 0) res.write(event('hello'))
    else {
      clearInterval(timer)
      res.end(LAST)
    }
  }, every)
  res.on('close', () => clearInterval(timer))
}

server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`))
process.stdin.resume().on('end', () => process.exit(0))
