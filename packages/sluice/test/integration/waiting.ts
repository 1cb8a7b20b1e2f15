import { setTimeout as sleep } from 'node:timers/promises'

/** Waits for a condition, and says what did not come true. Whoever asks and gets no answer is not waited for either. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, bound = 20_000): Promise<void> {
  const ended = new AbortController()
  const late = sleep(bound, undefined, ended).then(() => {
    throw new Error(`not within ${bound} ms: ${what}`)
  })
  try {
    await Promise.race([late, polled(holds, ended.signal)])
  } finally {
    ended.abort()
  }
}

async function polled(holds: () => boolean | Promise<boolean>, ended: AbortSignal): Promise<void> {
  while (!ended.aborted && !(await holds())) await sleep(2)
}
