import { defineGate, type Gate, type GateCore } from 'sluice'

/** A gate that is another in everything but what `own` says. */
export function around(gate: Gate, own: Partial<Pick<GateCore, 'enter' | 'check'>>): Gate {
  const { core } = gate
  return defineGate({
    name: core.name,
    pressure: core.pressure,
    clock: core.clock,
    parts: [core],
    get stats() {
      return core.stats
    },
    check: own.check ?? ((arrival) => core.check?.(arrival)),
    enter: own.enter ?? ((arrival, mayWait) => core.enter(arrival, mayWait)),
    shut: () => core.shut?.(),
    close: () => core.close(),
  })
}
