import type { Gate } from 'sluice'
import { around } from '../gates/index.ts'
import type { Below } from '../upstreams/index.ts'
import type { Visitor } from './visitor.ts'

/** A gate that refuses first what the upstream has said it would. While that says nothing it costs a comparison. */
export function asToldBelow(gate: Gate, below: Below): Gate {
  const { core } = gate
  return around(gate, {
    enter(arrival, mayWait) {
      const refusal = below.calm ? undefined : below.refusal((arrival as Visitor).req)
      return refusal ?? core.enter(arrival, mayWait)
    },
  })
}
