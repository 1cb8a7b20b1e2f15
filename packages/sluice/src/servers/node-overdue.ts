import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../ground/index.ts'
import { LINGER } from './node-refusal.ts'

/** What a handler may have said of an answer of its own that is not sent now. */
const OF_THE_BODY = [
  'age',
  'accept-ranges',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-length',
  'content-location',
  'content-range',
  'content-type',
  'etag',
  'expires',
  'last-modified',
  'location',
  'trailer',
  'transfer-encoding',
] as const

/** Makes a response that its handler has prepared, but not begun, fit to carry another answer. */
export function clearAnswer(res: ServerResponse): void {
  for (const name of OF_THE_BODY) res.removeHeader(name)
  // Taken back, not emptied: HTTP/2 has none, and warns of whoever sets one.
  delete (res as Partial<ServerResponse>).statusMessage
}

/** What does nothing on a response that is taken away. */
const SILENCED = [
  'setHeader',
  'setHeaders',
  'appendHeader',
  'removeHeader',
  'flushHeaders',
  'writeHead',
  'writeContinue',
  'writeProcessing',
  'writeEarlyHints',
  'addTrailers',
  'destroy',
] as const

/**
 * Takes request and response out of the hands of a handler that was called off and goes on all the same. Whatever it
 * still does to them does nothing: an answered response would throw (`setHeader`), end the process (`write` emits an
 * error nobody listens to) or break the connection that carries other requests by now (`destroy`).
 * @param ended called once, when the handler ends its answer
 */
export function takeAway(req: IncomingMessage, res: ServerResponse, clock: Clock, ended: () => void): void {
  const put = (target: object, name: string, value: unknown): void =>
    void Object.defineProperty(target, name, { value, configurable: true, writable: true })
  for (const name of SILENCED) put(res, name, () => res)
  // As on a response whose client has left: nobody takes it, so whoever pipes stops.
  put(res, 'write', (...args: readonly unknown[]): boolean => {
    callBack(args, clock)
    return false
  })
  let open = true
  put(res, 'end', (...args: readonly unknown[]): ServerResponse => {
    callBack(args, clock)
    if (open) ended()
    open = false
    return res
  })
  if (req.complete) return
  // Work that reads the body breaks that off when it is called off, and would take the connection along before the
  // answer has arrived.
  const destroy = req.destroy.bind(req)
  put(req, 'destroy', (error?: Error): IncomingMessage => {
    clock.after(LINGER, () => void destroy(error), { background: true })
    return req
  })
}

function callBack(args: readonly unknown[], clock: Clock): void {
  const callback = args.find((arg) => typeof arg === 'function') as ((error?: Error) => void) | undefined
  if (callback !== undefined) clock.after(0, () => callback(new Error('answered already: the handler took too long')))
}
