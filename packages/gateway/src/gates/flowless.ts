import type { Arrival, Gate } from 'sluice'
import { around } from './around.ts'

/** A gate that takes everybody for one: for those that tell tenants apart where all are meant together. */
export function flowless(gate: Gate): Gate {
  const { core } = gate
  return around(gate, {
    check: (arrival) => core.check?.(plain(arrival)),
    enter: (arrival, mayWait) => core.enter(plain(arrival), mayWait),
  })
}

function plain(arrival: Arrival): Arrival {
  if (arrival.flow === undefined) return arrival
  const { priority, cost, deadline, maxWait } = arrival
  return {
    ...(priority !== undefined && { priority }),
    ...(cost !== undefined && { cost }),
    ...(deadline !== undefined && { deadline }),
    ...(maxWait !== undefined && { maxWait }),
  }
}
