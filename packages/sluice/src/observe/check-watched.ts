import { refuseValue } from '../ground/index.ts'
import type { Gate } from '../gate/index.ts'
import type { Tally } from './tally.ts'

/** A gate and who counts at it: said at once, not when the figures are first read. @throws RangeError naming `owner` */
export function checkWatched(owner: string, gate: Gate, tally: Tally): void {
  if ((gate as Partial<Gate> | undefined)?.stats === undefined) refuseValue(`${owner}.gate`, gate, 'a gate')
  if (!Array.isArray((tally as Partial<Tally> | undefined)?.waitCounts))
    refuseValue(`${owner}.tally`, tally, 'the `tally()` that is the observer of the gate')
}
