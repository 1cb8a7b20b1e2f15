// The readers of bench/hub.mjs: real sockets, of which some stop reading. Driven over the IPC channel.
import { connect } from 'node:net'

const [how, address, count, stuck] = process.argv.slice(2)
const where = address.startsWith('/') ? { path: address } : { port: Number(address), host: '127.0.0.1' }
const head = (path) =>
  `GET ${path} HTTP/1.1\r\nhost: x\r\n` +
  (how === 'ws'
    ? 'connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'
    : '\r\n')
/** How late each message was, for each reader, by when it was sent. */
const messages = new Map()
const AT = Buffer.from('"at":')
let received = 0
let closed = 0
const now = () => performance.timeOrigin + performance.now()

function read(chunk) {
  const arrived = now()
  for (let at = chunk.indexOf(AT); at >= 0; at = chunk.indexOf(AT, at + 5)) {
    received++
    const sent = Number.parseFloat(chunk.toString('latin1', at + 5, at + 25))
    const lags = messages.get(sent)
    if (lags === undefined) messages.set(sent, [arrived - sent])
    else lags.push(arrived - sent)
  }
}

async function open(number) {
  const socket = connect({ ...where })
  socket.on('error', (error) => process.stderr.write(`${error.message}\n`))
  socket.on('close', () => closed++)
  await new Promise((resolve) => socket.once('connect', resolve))
  // Every so many is one who stops reading, for good, once it has the head.
  const never = Math.floor((number * stuck) / count) !== Math.floor(((number + 1) * stuck) / count)
  socket.write(head(never ? '/never' : '/'))
  await new Promise((resolve) => socket.once('data', resolve))
  if (never) socket.pause()
  else socket.on('data', read)
}

const rank = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
process.on('message', ({ what }) => {
  if (what === 'exit') process.exit(0)
  const sorted = Float64Array.from([...messages.values()].flat()).sort()
  const each = [...messages.values()].map((lags) => rank(Float64Array.from(lags).sort(), 0.99))
  const usual = rank(Float64Array.from(each).sort(), 0.5)
  process.send({ received, closed, p50: rank(sorted, 0.5), p99: rank(sorted, 0.99), usual })
})
for (let number = 0; number < count; number += 100)
  await Promise.all(Array.from({ length: Math.min(100, count - number) }, (_, at) => open(number + at)))
process.send({ open: Number(count) })
