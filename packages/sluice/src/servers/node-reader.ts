import type { IncomingMessage } from 'node:http'
import type { Reader } from '../http/index.ts'

/** The slice of a request that frameworks keep when they rewrite `url` for what is mounted below a path. */
export interface Mounted {
  readonly originalUrl?: string
}

/** Reads requests of node:http, and of what is built on them. */
export const nodeReader: Reader<IncomingMessage & Mounted> = {
  method: (req) => req.method ?? '',
  target: (req) => req.originalUrl ?? req.url ?? '',
  header: headerOf,
  peer: (req) => req.socket.remoteAddress,
}

/** @param name in lower case */
export function headerOf(req: IncomingMessage, name: string): string | undefined {
  const value = req.headers[name]
  return typeof value === 'object' ? value.join(', ') : value
}
