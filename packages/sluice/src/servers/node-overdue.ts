import { ServerResponse, type IncomingMessage } from 'node:http'
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
  res.statusMessage = ''
}

/**
 * Takes request and response out of the hands of a handler that was called off and goes on all the same. Whatever it
 * still does to them does nothing: an answered response would throw (`setHeader`), end the process (`write` emits an
 * error nobody listens to) or break the connection that carries other requests by now (`destroy`).
 * @param ended called once, when the handler ends its answer
 */
export function takeAway(req: IncomingMessage, res: ServerResponse, clock: Clock, ended: () => void): void {
  const same = (): ServerResponse => res
  const nothing = (): void => undefined
  let open = true
  const own = {
    setHeader: same,
    setHeaders: same,
    appendHeader: same,
    removeHeader: nothing,
    flushHeaders: nothing,
    writeHead: same,
    writeContinue: nothing,
    writeProcessing: nothing,
    writeEarlyHints: nothing,
    addTrailers: nothing,
    destroy: same,
    // As on a response whose client has left: nobody takes it, so whoever pipes stops.
    write: (...args: readonly unknown[]): boolean => {
      callBack(args, clock)
      return false
    },
    end: (...args: readonly unknown[]): ServerResponse => {
      callBack(args, clock)
      if (open) ended()
      open = false
      return res
    },
  }
  for (const [name, value] of Object.entries(own))
    if (name in ServerResponse.prototype)
      Object.defineProperty(res, name, { value, configurable: true, writable: true })
  if (req.complete) return
  // Work that reads the body breaks that off when it is called off, and would take the connection along before the
  // answer has arrived.
  const destroy = req.destroy.bind(req)
  const later = (error?: Error): IncomingMessage => {
    clock.after(LINGER, () => void destroy(error), { background: true })
    return req
  }
  Object.defineProperty(req, 'destroy', { value: later, configurable: true, writable: true })
}

function callBack(args: readonly unknown[], clock: Clock): void {
  const callback = args.find((arg) => typeof arg === 'function') as ((error?: Error) => void) | undefined
  if (callback !== undefined) clock.after(0, () => callback(new Error('answered already: the handler took too long')))
}
