import type { Millis } from '../ground/index.ts'

/** A shorter wait is not worth a header, in ms. */
const WORTH_TELLING = 100

/**
 * The headers that tell a caller how long it stood in the queue, where that was over 100 ms:
 * `x-queue-wait-time` in seconds with three decimals, and `server-timing` in ms for browsers' tools.
 */
export function waitHeaders(waited: Millis): readonly (readonly [name: string, value: string])[] | undefined {
  if (!(waited > WORTH_TELLING)) return undefined
  return [
    ['x-queue-wait-time', (waited / 1000).toFixed(3)],
    ['server-timing', `sluice;dur=${waited.toFixed(1)}`],
  ]
}
