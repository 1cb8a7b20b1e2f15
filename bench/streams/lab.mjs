// The two ends of every stream in one process: an upstream and clients on bare sockets, which see one clock. It spins
// instead of waiting for timers, so that a token is written when it is due and heard when it is there.
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'

export const now = () => performance.now()

/** Lets everything happen until something is so; false where it is not within so many ms. */
export async function spin(isSo, atMost = 10_000) {
  const end = now() + atMost
  while (!isSo()) {
    if (now() > end) return false
    await turn()
  }
  return true
}

const chunk = (text) => `${text.length.toString(16)}\r\n${text}\r\n`

/** A request that has come, and its connection. */
class Visit {
  /** What waits for room to write. */
  #goesOn = () => {}

  constructor(socket, target) {
    this.socket = socket
    this.target = target
    this.closedAt = undefined
    this.written = 0
  }

  closed() {
    this.closedAt = now()
    this.#goesOn()
  }

  drained() {
    this.#goesOn()
  }

  /** The head of an answer of unknown length. */
  head() {
    this.socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n')
  }

  /** An event that says when it was written. */
  token() {
    if (!this.socket.destroyed) this.socket.write(chunk(`data: t=${now().toFixed(4)}; ${'x'.repeat(60)}\n\n`))
  }

  end() {
    this.socket.write('0\r\n\r\n')
  }

  /** So many bytes, as fast as somebody takes them. */
  async body(bytes) {
    this.socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${bytes}\r\n\r\n`)
    const piece = Buffer.alloc(65_536, 'x')
    for (let left = bytes; left > 0 && this.closedAt === undefined; left -= piece.length) {
      const isTaken = this.socket.write(left < piece.length ? piece.subarray(0, left) : piece)
      this.written += Math.min(left, piece.length)
      if (!isTaken) await new Promise((resolve) => (this.#goesOn = resolve))
    }
  }
}

/** An upstream that does with each request what `serve` says. */
export async function upstream(serve) {
  const sockets = new Set()
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    let text = ''
    let isBody = false
    let visit
    socket.on('error', () => {})
    socket.on('drain', () => visit?.drained())
    socket.on('close', () => {
      sockets.delete(socket)
      visit?.closed()
    })
    socket.on('data', (bytes) => {
      // What is sent up is not looked at.
      if (isBody) return
      text += bytes.toString('latin1')
      const end = text.indexOf('\r\n\r\n')
      if (end < 0) return
      const [, method, target] = /^(\w+) (\S+)/.exec(text)
      isBody = method === 'POST'
      text = text.slice(end + 4)
      visit = new Visit(socket, target)
      serve(visit)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    host: `127.0.0.1:${server.address().port}`,
    async stop() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}

/** A client on a connection of its own. */
export async function client(port) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

export function get(socket, target, more = '') {
  socket.write(`GET ${target} HTTP/1.1\r\nhost: localhost\r\n${more}\r\n`)
}

export function quantile(values, part) {
  if (values.length === 0) return NaN
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]
}
