/** What is left of a source once nobody reads it any more. */
export interface Leavable {
  return?(): unknown
}

/**
 * Tells a source that nobody will read on. Waits for its answer, unless it is still busy with an item: a source that
 * hangs must not hang whoever leaves it.
 * @throws what the source throws, where it was waited for
 */
export async function leave(source: Leavable | undefined, busy: boolean): Promise<void> {
  const left = source?.return?.()
  if (!busy) await left
  // Nobody is there any more who could do something about it.
  else if (left instanceof Promise) left.catch(() => {})
}
