import { defineGate, type Gate, type GateCore } from 'sluice'
import type { Below } from '../upstreams/index.ts'
import type { Visitor } from './visitor.ts'

/** A gate that refuses first what the upstream has said it would. While that says nothing it costs a comparison. */
export function asToldBelow(gate: Gate, below: Below): Gate {
  const { core } = gate
  const own: GateCore = {
    name: core.name,
    pressure: core.pressure,
    clock: core.clock,
    parts: [core],
    get stats() {
      return core.stats
    },
    check: (arrival) => core.check?.(arrival),
    enter(arrival, mayWait) {
      const refusal = below.calm ? undefined : below.refusal((arrival as Visitor).req)
      return refusal ?? core.enter(arrival, mayWait)
    },
    shut: () => core.shut?.(),
    close: () => core.close(),
  }
  return defineGate(own)
}
