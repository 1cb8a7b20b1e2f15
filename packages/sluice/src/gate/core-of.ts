import { refuseValue } from '../ground/index.ts'
import type { Gate, GateCore } from './gate.ts'

/** What a gate is made of, for those who are made of gates. @throws RangeError naming `owner` for what is no gate */
export function coreOf(owner: string, gate: Gate): GateCore {
  return (gate as Partial<Gate> | undefined)?.core ?? refuseValue(owner, gate, 'a gate')
}
