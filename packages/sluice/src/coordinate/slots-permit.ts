import type { Millis, Outcome, Permit } from '../ground/index.ts'
import { SlotWatch } from './slots-watch.ts'

/** Whoever lent a slot. */
export interface SlotLender {
  /** Takes a slot back. Called once for each permit. */
  release(permit: SlotPermit): void
  watches(permit: SlotPermit): void
}

/**
 * The right to use slots of a fleet: as many as the arrival costs.
 *
 * It carries a fence for resources that check one: the number of the last grant its instance had heard of. It rises with every
 * grant to any instance, so what was taken from one and granted again has a higher one. Permits of one grant have the same.
 */
export class SlotPermit implements Permit {
  readonly waited: Millis
  readonly fence: number
  /** The registration it counts under; 0 for one that was let in without. */
  readonly life: number
  /** Slots it is for. */
  readonly cost: number
  /** How often all that was in use had been lost before. */
  readonly losses: number
  #watch: SlotWatch | undefined
  #lender: SlotLender | undefined

  constructor(
    lender: SlotLender,
    waited: Millis,
    fence: number,
    life: number,
    cost: number,
    losses: number,
    watch: SlotWatch | undefined,
  ) {
    this.#lender = lender
    this.waited = waited
    this.fence = fence
    this.life = life
    this.cost = cost
    this.losses = losses
    this.#watch = watch
    if (watch !== undefined) lender.watches(this)
  }

  get admitted(): true {
    return true
  }

  /** Aborted with a `SlotLost` when the lease is lost while the slot is in use, or was before this was first asked for. */
  get signal(): AbortSignal {
    if (this.#watch === undefined) {
      this.#watch = new SlotWatch(undefined)
      this.#lender?.watches(this)
    }
    return this.#watch.signal
  }

  lost(reason: Error): void {
    this.#watch?.lost(reason)
  }

  release(_outcome: Outcome): void {
    const lender = this.#lender
    if (lender === undefined) return
    this.#lender = undefined
    lender.release(this)
  }

  [Symbol.dispose](): void {
    this.release('ignored')
  }
}
