import type { Server } from 'node:http'
import type { Millis } from 'sluice'

/** What came of a drain. */
export interface Drained {
  /** Requests that had not ended in time, in progress and waiting. 0 is a clean end. */
  readonly cutOff: number
}

/** How often connections that have become idle are looked for, in ms. */
const SWEEP = 50

/**
 * Takes no new connections and waits until those that are there have ended, each after the answer to its last
 * request. Connections that fall idle are closed.
 * @param pending how many requests are in progress or waiting
 */
export async function drain(server: Server, within: Millis, pending: () => number): Promise<Drained> {
  let sweep: NodeJS.Timeout | undefined
  let timer: NodeJS.Timeout | undefined
  const cutOff = await new Promise<number>((resolve) => {
    server.close(() => resolve(0))
    sweep = setInterval(() => server.closeIdleConnections(), SWEEP)
    timer = setTimeout(() => resolve(pending()), within)
  })
  clearInterval(sweep)
  clearTimeout(timer)
  return { cutOff }
}
