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
      // Known until all are told: what one does about it may put away another, who must not hear of it any more.
      for (const each of listeners) each.aborted(signal.reason)
      watches.delete(signal)
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
  watch?.listeners.delete(listener)
  if (watch?.listeners.size !== 0) return
  watches.delete(signal)
  signal.removeEventListener('abort', watch.hear)
}
