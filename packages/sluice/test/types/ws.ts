// Compiles the doors of flows against the real things. Never run.
import { createWriteStream } from 'node:fs'
import type { ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import type { Socket } from 'node:net'
import type { WritableStream as NodeWebWritable } from 'node:stream/web'
import type { Response as ExpressResponse } from 'express'
import type { WebSocket } from 'ws'
import {
  hub,
  ndjson,
  pump,
  sse,
  sseFormat,
  stream,
  writer,
  type Reader,
  type SseMessage,
} from '../../src/flows/stream.ts'
import { websocket, type WsMessage } from '../../src/flows/ws.ts'

export async function everythingFits(
  res: ServerResponse,
  res2: Http2ServerResponse,
  express: ExpressResponse,
  socket: Socket,
  web: WritableStream<Uint8Array>,
  nodeWeb: NodeWebWritable<Uint8Array>,
  ws: WebSocket,
  signal: AbortSignal,
): Promise<void> {
  for (const target of [res, res2, express, socket, web, nodeWeb, createWriteStream('x')]) {
    const events: Reader<SseMessage> = sse(target, { policy: 'drop-oldest' })
    events.push({ event: 'price', data: { a: 1 }, id: 1 })
    await writer<Uint8Array>(target, { signal }).write(new Uint8Array(1))
    await pump([new Uint8Array(1)], target)
  }
  await writer<string>(socket).write('text')
  const lines = ndjson<{ readonly a: number }>(res, { policy: 'coalesce', key: ({ a }) => a })
  const messages: Reader<WsMessage> = websocket(ws, { policy: 'disconnect' })
  // @ts-expect-error a policy must be given
  websocket(ws, {})
  // @ts-expect-error messages of another kind need a format
  sse<{ readonly a: number }>(res, { policy: 'block' })
  const format = sseFormat(({ a }: { readonly a: number }) => ({ data: a }))
  const shared = hub<{ readonly a: number }>()
  shared.subscribe('a', lines)
  shared.subscribe('a', sse(express, { policy: 'coalesce', format }))
  shared.subscribe('a', websocket<{ readonly a: number }>(ws, { policy: 'drop-oldest' }))
  shared.publish('a', { a: 1 })
  // @ts-expect-error another kind of message
  shared.publish('a', 'text')
  await stream(async function* tokens(leaving: AbortSignal): AsyncGenerator<string> {
    yield String(leaving.aborted)
  }, messages)
}
