import type { IncomingMessage, ServerResponse } from 'node:http'
import { Call, unwatchDeparture, visitOf, watchDeparture } from '../http/index.ts'

const RESPONSE: unique symbol = Symbol('sluice.response')

interface Remembered {
  [RESPONSE]?: ServerResponse
}

const signals = new WeakMap<IncomingMessage, AbortSignal>()

/**
 * The signal of the work on a request: aborted with an `AbortError` when its client leaves, and with a `TimeoutError`
 * when its `timeout` comes. Hand it to whatever the handler waits for: `fetch`, a query, `setTimeout` of
 * `node:timers/promises`. Made when first asked for. A request that did not pass a gate has one too, which knows of its
 * client only.
 */
export function signalOf(req: IncomingMessage): AbortSignal {
  return visitOf(req)?.signal ?? signals.get(req) ?? begin(req)
}

/** Keeps the response of a request that goes round the gate, for a signal that must end with it. */
export function remember(req: IncomingMessage, res: ServerResponse): void {
  ;(req as Remembered)[RESPONSE] = res
}

function begin(req: IncomingMessage): AbortSignal {
  const { socket } = req
  const call = new Call()
  const leaver = { left: (): void => call.off('left') }
  signals.set(req, call.signal)
  if (socket.destroyed) leaver.left()
  else watchDeparture(socket, leaver)
  // Else the connection would remember every request it ever carried.
  ;(req as Remembered)[RESPONSE]?.on('close', () => {
    if (!socket.destroyed) unwatchDeparture(socket, leaver)
  })
  return call.signal
}
