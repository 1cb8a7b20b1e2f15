import { checkNumber, refuseValue } from '../ground/index.ts'
import type { Classes } from './coordinator.ts'

/** What is added up in tenths is never quite one. */
const ALMOST = 1e-9

/** Which class is next, and how many slots of it at most before it is asked again. */
export interface SlotsDue {
  /** -1 where nobody waits. */
  readonly priority: number
  readonly most: number
}

/**
 * Which class is next where each is sure of a share: one that is owed a whole slot, else the best that waits. When all
 * want more than there is each gets its share, and the best what is over; a class that nobody waits in lends its share, and
 * has it back with its next waiter: it saves nothing up and owes nothing. Deficit round robin (Shreedhar and Varghese,
 * 1995), with what is over going to the best.
 */
export class SlotShares {
  /** Slots each class is owed. */
  readonly #owed: [number, number, number, number] = [0, 0, 0, 0]

  /** @param waiting arrivals of each class that wait */
  due(waiting: Classes): SlotsDue {
    let best = -1
    let due = -1
    for (const [priority, count] of waiting.entries()) {
      if (count <= 0) {
        this.#owed[priority] = 0
        continue
      }
      best = priority
      const owed = this.#owed[priority]!
      if (owed > 1 - ALMOST && (due < 0 || owed > this.#owed[due]!)) due = priority
    }
    return due < 0 ? { priority: best, most: Infinity } : { priority: due, most: this.#owed[due]! + ALMOST }
  }

  /**
   * Somebody of a class gets its slots.
   * @param waiting as before it got them
   */
  took(priority: number, slots: number, cost: number, waiting: Classes, shares: Classes): void {
    for (const [each, count] of waiting.entries()) if (count > 0) this.#owed[each]! += shares[each]! * slots
    // A wide one takes at once what it is owed by and by; what nobody was owed costs nothing.
    this.#owed[priority] = Math.max(Math.min(0, 1 - cost), this.#owed[priority]! - slots)
  }
}

/** The class furthest beyond its share of so many places; of two the less important. -1 where nobody waits. */
export function widestClass(waiting: Classes, shares: Classes, places: number): number {
  let widest = -1
  let most = -Infinity
  for (const [priority, count] of waiting.entries()) {
    const beyond = count - shares[priority]! * places
    if (count > 0 && beyond > most) [widest, most] = [priority, beyond]
  }
  return widest
}

/** @throws RangeError for shares that make no sense, or do not go with what else is wanted */
export function slotShares(
  shares: Classes | undefined,
  order: 'share' | 'strict',
  early: boolean,
): Classes | undefined {
  if (shares === undefined) return undefined
  const length: number = Array.isArray(shares) ? shares.length : 0
  if (length !== 4) refuseValue('fleetSlots.shares', shares, 'four numbers from 0 to 1')
  let sum = 0
  for (const [priority, share] of shares.entries()) sum += checkNumber(`fleetSlots.shares[${priority}]`, share, 0, 1)
  if (sum > 1 + ALMOST) refuseValue('fleetSlots.shares', shares, 'at most 1 in sum')
  if (order === 'strict') refuseValue('fleetSlots.shares', shares, "left out with order 'strict'")
  if (early) refuseValue('fleetSlots.shares', shares, 'left out with early, which refuses a class whatever its share')
  const [first, second, third, fourth] = shares
  return [first, second, third, fourth]
}
