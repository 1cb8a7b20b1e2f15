import { coreOf, limiter, type Gate } from '../gate/index.ts'
import { tally, type Tally } from '../observe/index.ts'
import type { ConsumerOptions } from './consumer-options.ts'

/** What the work of a consumer goes through: for `prometheus({ registry, gate, tally })` and `otel`. */
export interface Gated {
  readonly gate: Gate
  /** What came of the work so far. `undefined` when a gate was given that decides: its maker chose its observer. */
  readonly tally: Tally | undefined
}

/** The gate that was given, or a limiter of that name with a tally of its own. @throws RangeError for what is no gate */
export function gated<M>(options: ConsumerOptions<M>, name: string): Gated {
  if (options.gate !== undefined) {
    coreOf('gate', options.gate)
    return { gate: options.gate, tally: undefined }
  }
  const counts = tally()
  return { gate: limiter({ ...options, name, observer: counts }), tally: counts }
}
