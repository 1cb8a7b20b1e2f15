import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock, Millis } from '../ground/index.ts'
import { waitHeaders, type RefusedResponse } from '../http/index.ts'

/** A body up to this size is read and thrown away, in bytes: cheaper for both sides than a new connection. */
const WORTH_READING = 65_536

/**
 * How long the end of a refusal is held back when the client may still be sending, in ms. Closing a connection with
 * unread bytes on it resets it, and the reset can overtake the refusal: a client that is busy sending would then see
 * a broken connection instead of an answer. Far longer than the answer takes to arrive.
 */
export const LINGER: Millis = 500

/** How {@link writeRefusal} goes about it. */
export interface RefusalManner {
  /** How long it waited before it was refused, in ms. */
  readonly waited: Millis
  /** True when this connection should carry no more requests. */
  readonly last: boolean
  /** True when the client holds its body back until it is told to go on. */
  readonly unsentBody: boolean
  readonly clock: Clock
}

/** Answers a request in place of its handler. Writes nothing where somebody else has answered already. */
export function writeRefusal(
  req: IncomingMessage,
  res: ServerResponse,
  { status, headers, body }: RefusedResponse,
  manner: RefusalManner,
): void {
  if (res.headersSent || res.destroyed) return
  tellWait(res, manner.waited)
  const length = req.complete ? 0 : bodyLength(req)
  // A client that was to wait for 100 may send its body or not: only a new connection is unambiguous. A stream of HTTP/2
  // is alone, and its end resets nothing else.
  const closing = req.httpVersionMajor < 2 && (manner.last || manner.unsentBody || length > WORTH_READING)
  if (closing) res.setHeader('connection', 'close')
  res.writeHead(status, headers)
  const content = req.method === 'HEAD' ? '' : body
  if (closing && length > 0 && !manner.unsentBody) endLater(res, content, manner.clock)
  else if (content === '') res.end()
  else res.end(content)
}

/** Says in the headers how long it waited, in ms, where that is worth it. */
export function tellWait(res: ServerResponse, waited: Millis): void {
  const told = waitHeaders(waited)
  if (told !== undefined) for (const [name, value] of told) res.setHeader(name, value)
}

/** Sends the whole answer now and ends it later. Until then nothing reads the body, so it stays with the client. */
function endLater(res: ServerResponse, content: string, clock: Clock): void {
  if (content === '') res.flushHeaders()
  else res.write(content)
  // Kept: whoever is called off has its hands on the response still.
  const end = res.end.bind(res) as () => unknown
  const timer = clock.after(LINGER, () => void end(), { background: true })
  res.on('close', () => timer.cancel())
}

/** In bytes; endless where the client does not say. */
function bodyLength(req: IncomingMessage): number {
  if (req.headers['transfer-encoding'] !== undefined) return Infinity
  const length = req.headers['content-length']
  return length === undefined ? 0 : Number(length)
}
