/** What is wrong with what an iterator has answered; nothing where that is a result. */
export function malformed(result: unknown): TypeError | undefined {
  if (typeof result === 'object' && result !== null) return undefined
  return new TypeError(`source: expected an iterator to answer with a result, got ${String(result)}`)
}
