/**
 * Why the signal of work was aborted: its instance could not renew its lease in time, so its slot may be in other hands.
 * Whatever it does from now on comes on top of the limit.
 */
export class SlotLost extends Error {
  /** The name of the gate that had let it in. */
  readonly gate: string

  constructor(gate: string) {
    super(`${gate}: the lease of this slot ran out while it was in use`)
    this.name = 'SlotLost'
    this.gate = gate
  }
}
