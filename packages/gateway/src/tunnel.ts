import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { endIfAnswering } from './end-if-answering.ts'
import { methodNotAllowed } from './proxy/index.ts'

/** Answers `CONNECT`, which node:http hands over as a bare socket and otherwise drops without a word. */
export function refuseTunnels(server: Server): void {
  const { status, code, message, headers = {} } = methodNotAllowed('CONNECT')
  const body = JSON.stringify({ success: false, error: { code, message, retry_after: null } })
  const head = [
    `HTTP/1.1 ${status} Method Not Allowed`,
    `allow: ${headers['allow'] ?? ''}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ]
  const answer = `${head.join('\r\n')}\r\n\r\n${body}`
  server.on('connect', (_req, socket: Socket) => {
    if (endIfAnswering(socket)) return
    socket.on('error', () => {})
    socket.end(answer)
  })
}
