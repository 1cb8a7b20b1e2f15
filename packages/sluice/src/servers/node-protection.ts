import type { NodeProtection } from './node-entrance.ts'

/** Shows on a function what its entrance knows. */
export function protection<F extends object>(guarded: F, entrance: NodeProtection): F & NodeProtection {
  const { gate, tally } = entrance
  Object.defineProperty(guarded, 'zombies', { get: () => entrance.zombies, enumerable: true })
  return Object.assign(guarded, { gate, tally }) as F & NodeProtection
}
