import type { Clock, Millis } from '../../ground/index.ts'

/** Waits so long, holding nothing. @throws `signal.reason` as soon as it is aborted */
export function abortableSleep(clock: Clock, delay: Millis, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(reasonOf(signal))
    const left = (): void => {
      timer.cancel()
      reject(reasonOf(signal))
    }
    const timer = clock.after(delay, () => {
      signal?.removeEventListener('abort', left)
      resolve()
    })
    signal?.addEventListener('abort', left, { once: true })
  })
}

function reasonOf(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason
  return reason instanceof Error ? reason : new Error(String(reason))
}
