import type { Instant, Millis } from '../ground/index.ts'

/** From how much of what may wait everywhere on classes 0, 1 and 2 had better not. */
const FULL = [0.5, 0.75, 0.9] as const
/** It must fall below this part of it before they may again. */
const RELIEF = 0.75
/** It changes at most this often, in ms. */
const CALM: Millis = 100
/** What may wait where nobody has said, in limits. */
const ROOM = 10

/** Which classes had better be refused before they wait: with a gap between up and down, and not too often. */
export class SlotLevel {
  value = 0
  #changed: Instant = -Infinity

  /** True when it has changed. */
  update(queued: number, queue: number, limit: number, now: Instant): boolean {
    const fill = queued / (queue > 0 ? queue : limit * ROOM)
    const up = FULL.filter((full) => fill >= full).length
    const down = FULL.filter((full) => fill >= full * RELIEF).length
    const value = Math.max(up, Math.min(this.value, down))
    if (value === this.value || now - this.#changed < CALM) return false
    this.value = value
    this.#changed = now
    return true
  }
}
