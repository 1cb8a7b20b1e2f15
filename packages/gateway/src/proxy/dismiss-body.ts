import type { IncomingMessage } from 'node:http'

/** How long a client may go on sending a body nobody wants, in ms, before its connection is closed. */
const PATIENCE = 1000

/**
 * After an answer that came before the whole request. Closing at once would reset the connection, and the reset can
 * overtake the answer; reading on for ever would be work for nobody. So it is read on, thrown away, and cut off later.
 */
export function dismissBody(req: IncomingMessage): void {
  // A stream of HTTP/2 is told so when its answer is out.
  if (req.complete || req.httpVersionMajor === 2) return
  const { socket } = req
  setTimeout(() => {
    if (!req.complete) socket.destroy()
  }, PATIENCE).unref()
}
