import { ServerResponse, type Server } from 'node:http'
import type { Socket } from 'node:net'
import { endIfAnswering } from './end-if-answering.ts'
import { answer, methodNotAllowed } from './proxy/index.ts'

/** Answers `CONNECT`, which node:http hands over as a bare socket and otherwise drops without a word. */
export function refuseTunnels(server: Server): void {
  server.on('connect', (req, socket: Socket) => {
    if (endIfAnswering(socket)) return
    socket.on('error', () => {})
    const res = new ServerResponse(req)
    res.shouldKeepAlive = false
    res.assignSocket(socket)
    res.on('finish', () => socket.end())
    answer(req, res, methodNotAllowed('CONNECT'))
  })
}
