import { defineGate, type Arrival, type Gate, type GateCore } from 'sluice'

/** A gate that takes everybody for one: for those that tell tenants apart where all are meant together. */
export function flowless(gate: Gate): Gate {
  const { core } = gate
  const plain = (arrival: Arrival): Arrival => {
    if (arrival.flow === undefined) return arrival
    const { priority, cost, deadline, maxWait } = arrival
    return {
      ...(priority !== undefined && { priority }),
      ...(cost !== undefined && { cost }),
      ...(deadline !== undefined && { deadline }),
      ...(maxWait !== undefined && { maxWait }),
    }
  }
  const own: GateCore = {
    name: core.name,
    pressure: core.pressure,
    clock: core.clock,
    parts: [core],
    get stats() {
      return core.stats
    },
    check: (arrival) => core.check?.(plain(arrival)),
    enter: (arrival, mayWait) => core.enter(plain(arrival), mayWait),
    shut: () => core.shut?.(),
    close: () => core.close(),
  }
  return defineGate(own)
}
