import { unwatchAbort, watchAbort, type AbortListener, type Clock, type Millis } from '../../ground/index.ts'

/** Waits so long, holding nothing. @throws `signal.reason` as soon as it is aborted */
export function abortableSleep(clock: Clock, delay: Millis, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(errorOf(signal.reason))
    const sleeper: AbortListener = {
      aborted(reason) {
        timer.cancel()
        reject(errorOf(reason))
      },
    }
    const timer = clock.after(delay, () => {
      if (signal) unwatchAbort(signal, sleeper)
      resolve()
    })
    if (signal) watchAbort(signal, sleeper)
  })
}

function errorOf(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason))
}
