/** How something ends. */
export interface Ends {
  /** Serves what has come, then ends. Called once. @param why begins a line of the log */
  drain(why: string): void
  /** Ends now, whatever is cut off. */
  end(signal: NodeJS.Signals): void
}

/**
 * Requirement S1.10: the first signal drains, the second ends at once. What is ordered drains as well, however often, and is
 * no signal: whoever stops a service that drains already must not cut anything off.
 * @param ordered aborted by the order
 */
export function endOnSignal(
  ends: Ends,
  ordered: AbortSignal,
  signals: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT'],
): void {
  let [draining, signalled] = [false, false]
  const drain = (why: string): void => {
    if (draining) return
    draining = true
    ends.drain(why)
  }
  const onSignal = (signal: NodeJS.Signals): void => {
    if (signalled) return ends.end(signal)
    signalled = true
    drain(signal)
  }
  const onOrder = (): void => drain('drain, by order')
  for (const signal of signals) process.on(signal, onSignal)
  if (ordered.aborted) onOrder()
  else ordered.addEventListener('abort', onOrder, { once: true })
}
