// The server of bench/hub.mjs: publishes to whoever connects, and says what that cost. Driven over the IPC channel.
import { createServer } from 'node:http'
import { hub, sse, sseFormat } from 'sluice/stream'
import { websocket } from 'sluice/ws'
import { WebSocketServer } from 'ws'

const [how, address, size] = process.argv.slice(2)
const pad = 'x'.repeat(Number(size))
const news = hub({ maxReaders: 100_000 })
/** One for all: those who share a format share the bytes. */
const format = sseFormat((tick) => ({ id: tick.n, data: tick }))
const wsFormat = { encode: (tick) => JSON.stringify(tick) }
/** The control: responses that are written to in a loop, as tutorials do. */
const naive = new Set()
/** What everybody's messages are handed to. */
const sinks = new Set()
/** Those who will never read, by their own account: they are flooded first, so that every message meets them full. */
const naiveStuck = new Set()
const server = createServer((req, res) => {
  const never = req.url === '/never'
  sinks.add(res)
  if (how === 'naive') {
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    res.flushHeaders()
    naive.add(res)
    if (never) naiveStuck.add(res)
    res.once('close', () => naive.delete(res))
  } else subscribe(sse(res, { policy: 'drop-oldest', capacity: 16, maxStall: Infinity, format }), never)
})
if (how === 'ws') {
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket, req) => {
    const options = { policy: 'drop-oldest', capacity: 16, maxStall: Infinity, heartbeat: Infinity, format: wsFormat }
    sinks.add(socket)
    subscribe(websocket(socket, options), req.url === '/never')
  })
}

function subscribe(reader, never) {
  news.subscribe('ticks', reader)
  if (never) news.subscribe('flood', reader)
}

server.requestTimeout = 0
server.timeout = 0
server.keepAliveTimeout = 0

const WARM = 5
const now = () => performance.timeOrigin + performance.now()
const peak = { used: 0, rss: 0 }
let before
let n = 0

function measure() {
  globalThis.gc()
  const { heapUsed, external, rss } = process.memoryUsage()
  return { used: heapUsed + external, rss }
}

function send(topic, tick) {
  if (how !== 'naive') news.publish(topic, tick)
  else
    for (const res of topic === 'flood' ? naiveStuck : naive)
      res.write(`id: ${tick.n}\ndata: ${JSON.stringify(tick)}\n\n`)
}

function publish() {
  // The first are to warm up, and nobody measures them.
  send('ticks', n < WARM ? { n, pad } : { n, at: now(), pad })
  n++
  const { heapUsed, external, rss } = process.memoryUsage()
  peak.used = Math.max(peak.used, heapUsed + external)
  peak.rss = Math.max(peak.rss, rss)
}

/** Fills what the kernel keeps for those who never read, and what we do, before anything is measured against them. */
async function flood() {
  const never = news.readers('flood')
  const full = () => (how === 'naive' ? held() >= naiveStuck.size * 16 * 8192 : news.stats.waiting >= never * 16)
  while (!full()) {
    send('flood', { n: -1, pad: 'x'.repeat(8192) })
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** Bytes that were written and have not reached the kernel, over all readers. */
function held() {
  let bytes = 0
  for (const sink of sinks) bytes += sink.bufferedAmount ?? sink.writableLength
  return bytes
}

async function run({ ticks, every }) {
  before = measure()
  Object.assign(peak, before)
  await flood()
  const begun = process.cpuUsage()
  const timer = setInterval(() => {
    publish()
    if (n < ticks + WARM) return
    clearInterval(timer)
    const { user, system } = process.cpuUsage(begun)
    const cpu = (user + system) / 1000 / (ticks + WARM)
    // What is in the sockets of readers arrives meanwhile.
    setTimeout(() => {
      const { encoded, sent, waiting, waitingBytes, dropped } = news.stats
      process.send({
        before,
        peak,
        after: measure(),
        cpu,
        held: held(),
        stats: { encoded, sent, waiting, waitingBytes, oldest: dropped.oldest },
      })
    }, 1500)
  }, every)
}

process.on('message', (message) => {
  if (message.what === 'publish') void run(message)
  else process.exit(0)
})
server.listen(address.startsWith('/') ? address : { port: 0, host: '127.0.0.1', backlog: 10_000 }, () =>
  process.send({ address: address.startsWith('/') ? address : server.address().port }),
)
