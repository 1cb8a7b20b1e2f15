import { ServerResponse, type IncomingMessage, type Server } from 'node:http'
import type { ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import { endIfAnswering } from '../end-if-answering.ts'
import type { Listener } from '../proxy/index.ts'
import { http1End, streamEnd, type ClientEnd } from './client-end.ts'

const WEBSOCKET: unique symbol = Symbol('sluice.websocket')

interface Marked {
  [WEBSOCKET]?: ClientEnd
}

/** True for a request that asks to become a WebSocket. */
export function isWebSocket(req: IncomingMessage): boolean {
  return (req as Marked)[WEBSOCKET] !== undefined
}

/** The client of such a request, and of no other. */
export function clientEndOf(req: IncomingMessage): ClientEnd {
  return (req as Marked)[WEBSOCKET]!
}

/**
 * Makes requests of those that ask for a WebSocket, so that they pass what all others pass and can be refused as those
 * are. Node takes everything with `upgrade` for the last request on its connection; what asks for something else
 * (`h2c`, as Java's client does first of all) is read once more without it, as the ordinary request it also is.
 */
export function listenForUpgrades(server: Server, handle: Listener): void {
  server.on('upgrade', (req, socket: Socket, head: Buffer) => {
    if (endIfAnswering(socket)) return
    // One that was read once more keeps the listeners of the server.
    if (asksForWebSocket(req)) receive(req, socket, head, handle)
    else readAgain(server, req, socket, head)
  })
  // Of those who speak HTTP/2; see `StreamPort`.
  server.on('websocket', (req: IncomingMessage, res: ServerResponse, stream: ServerHttp2Stream) => {
    ;(req as Marked)[WEBSOCKET] = streamEnd(stream, req.socket)
    handle(req, res)
  })
}

function asksForWebSocket({ method, httpVersion, headers }: IncomingMessage): boolean {
  const { upgrade = '' } = headers
  const hasBody = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined
  return method === 'GET' && httpVersion === '1.1' && upgrade.toLowerCase() === 'websocket' && !hasBody
}

function receive(req: IncomingMessage, socket: Socket, head: Buffer, handle: Listener): void {
  const end = http1End(socket)
  ;(req as Marked)[WEBSOCKET] = end
  if (head.length > 0) socket.unshift(head)
  const res = new ServerResponse(req)
  // Nothing reads further requests on it.
  res.shouldKeepAlive = false
  res.assignSocket(socket)
  // What node:http does for connections that it still reads.
  socket.on('error', () => socket.destroy())
  socket.on('drain', () => res.emit('drain'))
  res.on('finish', () => {
    res.detachSocket(socket)
    socket.end()
    end.refused()
    res.emit('close')
  })
  handle(req, res)
}

function readAgain(server: Server, req: IncomingMessage, socket: Socket, head: Buffer): void {
  const lines = [`${req.method} ${req.url} HTTP/${req.httpVersion}`]
  const raw = req.rawHeaders
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!
    if (name.toLowerCase() !== 'upgrade') lines.push(`${name}: ${raw[i + 1]!}`)
  }
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]))
  server.emit('encrypted' in socket ? 'secureConnection' : 'connection', socket)
}
