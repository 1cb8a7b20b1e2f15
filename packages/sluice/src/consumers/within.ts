import type { Clock, Millis } from '../ground/index.ts'

/** How long the last words to a broker may take, in ms: one that is gone must not keep a process that wants to end. */
export const LAST_WORDS: Millis = 5000

/** Resolves when `done` does, or after `limit` ms. */
export function within(clock: Clock, limit: Millis, done: Promise<unknown>): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(limit, resolve)
    done.then(() => {
      timer.cancel()
      resolve()
    }, reject)
  })
}
