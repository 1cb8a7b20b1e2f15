/** What wants to know that its signal was aborted. */
export interface AbortListener {
  aborted(reason: unknown): void
}

interface Watch {
  readonly listeners: Set<AbortListener>
  readonly hear: () => void
}

// One listener for each signal, however many wait or work by it: Node warns of a leak at the eleventh.
const watches = new WeakMap<AbortSignal, Watch>()

/** Calls `listener.aborted()` when the signal is, until {@link unwatchAbort}. */
export function watchAbort(signal: AbortSignal, listener: AbortListener): void {
  let watch = watches.get(signal)
  if (watch === undefined) {
    const listeners = new Set<AbortListener>()
    const hear = (): void => {
      watches.delete(signal)
      for (const each of listeners) each.aborted(signal.reason)
    }
    watch = { listeners, hear }
    watches.set(signal, watch)
    signal.addEventListener('abort', hear, { once: true })
  }
  watch.listeners.add(listener)
}

/** Forgets a listener, and the signal with the last of them. */
export function unwatchAbort(signal: AbortSignal, listener: AbortListener): void {
  const watch = watches.get(signal)
  if (watch === undefined || !watch.listeners.delete(listener) || watch.listeners.size > 0) return
  watches.delete(signal)
  signal.removeEventListener('abort', watch.hear)
}
