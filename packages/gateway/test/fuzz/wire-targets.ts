import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import type { FuzzTarget } from '../../../sluice/dist/test/fuzz/fuzz-target.js'
import { proxy, screen, type ProxyHandler } from '../../src/proxy/index.ts'

/** How long a connection may be silent before it counts as waiting for more, in ms. */
const QUIET = 40
const LAST = 'GET /last HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n'

/** The data path with real sockets on both sides, and what went through it. */
class Wire {
  readonly #passed = new Map<string, number>()
  #front: Server | undefined
  #inner: Server | undefined
  #handler: ProxyHandler | undefined
  /** What the upstream saw and nobody had let through: a request that was hidden in another one. */
  stranger: string | undefined
  through = 0

  async port(): Promise<number> {
    if (this.#front === undefined) await this.#start()
    return (this.#front!.address() as AddressInfo).port
  }

  async #start(): Promise<void> {
    const inner = createServer({ keepAliveTimeout: 60_000 }, (req, res) => {
      const line = `${req.method} ${req.url}`
      const count = this.#passed.get(line) ?? 0
      if (count === 0) this.stranger ??= line
      this.#passed.set(line, count - 1)
      req.resume().on('end', () => res.end('ok'))
    })
    inner.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      if (error.code?.startsWith('HPE_') === true && error.code !== 'HPE_INVALID_EOF_STATE')
        this.stranger ??= `what is no HTTP: ${error.code}`
      socket.destroy()
    })
    await once(inner.listen(0, '127.0.0.1'), 'listening')
    const handler = proxy({ upstream: new URL(`http://127.0.0.1:${(inner.address() as AddressInfo).port}`) })
    const front = createServer(
      screen((req, res) => {
        const line = `${req.method} ${req.url}`
        this.through++
        this.#passed.set(line, (this.#passed.get(line) ?? 0) + 1)
        handler(req, res)
      }),
    )
    front.maxHeadersCount = 0
    await once(front.listen(0, '127.0.0.1'), 'listening')
    ;[this.#front, this.#inner, this.#handler] = [front, inner, handler]
  }

  async end(): Promise<void> {
    for (const server of [this.#front, this.#inner]) {
      server?.close()
      server?.closeAllConnections()
    }
    await this.#handler?.close()
  }
}

const wire = new Wire()

/** Sends this and waits for the end, or for silence. */
async function exchange(port: number, bytes: Buffer): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.on('error', () => {})
  socket.on('data', (part: Buffer) => (text += part.toString('latin1')))
  socket.setTimeout(QUIET, () => socket.destroy())
  socket.write(bytes)
  socket.write(LAST)
  await once(socket, 'close')
  return text
}

const H = 'host: a\r\n'

export const targets: readonly FuzzTarget[] = [
  {
    name: 'http-wire',
    weight: 12,
    isAsync: true,
    along: 32,
    seeds: [
      `GET /a HTTP/1.1\r\n${H}\r\n`,
      `POST /b HTTP/1.1\r\n${H}content-length: 5\r\n\r\nhello`,
      `POST /c HTTP/1.1\r\n${H}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
      `DELETE /d HTTP/1.1\r\n${H}transfer-encoding: chunked\r\ntrailer: x\r\n\r\n3;a=b\r\nabc\r\n0\r\nx: y\r\n\r\n`,
      `PUT /e HTTP/1.1\r\n${H}expect: 100-continue\r\ncontent-length: 2\r\n\r\nok`,
      `POST /f HTTP/1.1\r\n${H}content-length: 44\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: a\r\nx-padding: 1\r\n\r\n`,
      `GET /g HTTP/1.0\r\nconnection: keep-alive, x-a\r\nx-a: b\r\n\r\n`,
    ],
    words: [
      'transfer-encoding: chunked\r\n',
      'Transfer-Encoding:\tchunked\r\n',
      'transfer-encoding: identity, chunked\r\n',
      'content-length: 3\r\n',
      'content-length: 0\r\n',
      'GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n',
      '0\r\n\r\n',
      'ffffffff\r\n',
      '\r\n\r\n',
      'HTTP/1.1',
      'HTTP/2.0',
      'http://evil/',
      'connection: content-length, transfer-encoding\r\n',
      'upgrade: h2c\r\nconnection: upgrade\r\n',
      'CONNECT ',
      'host: b\r\n',
      '\x0b',
    ],
    async check(input) {
      const text = await exchange(await wire.port(), Buffer.from(input, 'latin1'))
      assert.equal(wire.stranger, undefined)
      if (text !== '') assert.match(text, /^HTTP\/1\.1 [1-5]\d\d [ -~]*\r\n/)
    },
    async end() {
      // Where nothing got through nothing was tried.
      assert.ok(wire.through > 0)
      await wire.end()
    },
  },
]
