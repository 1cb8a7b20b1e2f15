import type { FleetSlotsParts } from './slots-parts.ts'

/** Of its part of the limit, how much an instance uses when it cannot ask: others may be more than it knew. */
const PRUDENT = 0.8

/** How much may be in use here while the coordinator does not answer, with so many instances as it last knew of. */
export function partAlone({ onDown, limit, instances }: FleetSlotsParts, known: number): number {
  if (onDown === 'open') return Infinity
  const sharers = Math.max(instances, known)
  return onDown === 'closed' || sharers === 0 ? 0 : Math.floor((limit * PRUDENT) / sharers)
}
