import type { ServerResponse } from 'node:http'
import { writeTogether } from './write-together.ts'

/**
 * Ends an answer with all of its body, which goes out together with its head: in one write, and with those of others, where
 * the connection is its own.
 */
export function endWhole(res: ServerResponse, body: Uint8Array): void {
  const text = Buffer.from(body.buffer, body.byteOffset, body.length).toString('latin1')
  const { socket } = res
  if (socket === null || res.chunkedEncoding || res.req.httpVersionMajor !== 1) return void res.end(text, 'latin1')
  writeTogether(() => {
    // `end` would write a second, empty piece along with it, and two pieces go the slow way.
    socket.cork()
    res.write(text, 'latin1')
    socket.uncork()
    res.end()
  })
}
