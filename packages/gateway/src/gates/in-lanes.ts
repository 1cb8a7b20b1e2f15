import type { Arrival, Gate } from 'sluice'
import { around } from './around.ts'

/** A gate whose classes are lanes: what is asked for below `normal` is one of them (RFC 9218 knows two). */
export function inLanes(gate: Gate): Gate {
  const { core } = gate
  return around(gate, {
    check: (arrival) => core.check?.(low(arrival)),
    enter: (arrival, mayWait) => core.enter(low(arrival), mayWait),
  })
}

function low(arrival: Arrival): Arrival {
  if (arrival.priority !== 1) return arrival
  const { flow, cost, deadline, maxWait } = arrival
  return {
    priority: 0,
    ...(flow !== undefined && { flow }),
    ...(cost !== undefined && { cost }),
    ...(deadline !== undefined && { deadline }),
    ...(maxWait !== undefined && { maxWait }),
  }
}
