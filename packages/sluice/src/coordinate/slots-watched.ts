import { SlotLost } from './slots-lost.ts'
import type { SlotPermit } from './slots-permit.ts'

/** Permits whose holders want to hear when they are lost. */
export class WatchedPermits {
  readonly #permits = new Set<SlotPermit>()

  add(permit: SlotPermit): void {
    this.#permits.add(permit)
  }

  delete(permit: SlotPermit): void {
    if (this.#permits.size > 0) this.#permits.delete(permit)
  }

  /** Tells the holders of so many slots, the oldest first. */
  lose(gate: string, slots: number): void {
    const lost = new SlotLost(gate)
    let rest = slots
    for (const permit of this.#permits) {
      if (rest <= 0) return
      rest -= permit.cost
      this.#permits.delete(permit)
      permit.lost(lost)
    }
  }
}
