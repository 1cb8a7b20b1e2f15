import type { Clock, Instant, Timer } from '../ground/index.ts'

/** A place in a ring. In none: no neighbours. */
interface Link {
  earlier: Link | undefined
  later: Link | undefined
}

/** Something that ends by itself at an instant. The links belong to the {@link Expiry} that holds it. */
export interface Expiring extends Link {
  readonly expires: Instant
}

/** Everything that ends at the same tick: a ring that goes through this, so that an entry need not know where it is. */
class Slot implements Link {
  readonly tick: Instant
  earlier: Link = this
  later: Link = this

  constructor(tick: Instant) {
    this.tick = tick
  }
}

/**
 * One timer for any number of waiters: each joins the list of the tick it ends at, and the ticks stand in a row.
 * Ticks are 1 ms apart nearby and coarser far away (at most 1/256 of the remaining time late), so there are only some
 * thousands of them however many wait; joining and leaving is O(1) for the second and later waiters of a tick.
 */
export class Expiry<E extends Expiring> {
  readonly #clock: Clock
  readonly #expire: (expired: E) => void
  readonly #slots = new Map<Instant, Slot>()
  /** The next to come last. Mostly each new one comes after all the others, and is put in without a search. */
  readonly #row: Slot[] = []
  #size = 0
  #timer: Timer | undefined
  #armedFor: Instant = Infinity

  constructor(clock: Clock, expire: (expired: E) => void) {
    this.#clock = clock
    this.#expire = expire
  }

  add(entry: E, now: Instant): void {
    if (entry.expires === Infinity) return
    const tick = tickOf(entry.expires, now)
    let slot = this.#slots.get(tick)
    if (slot === undefined) {
      slot = new Slot(tick)
      this.#slots.set(tick, slot)
      const at = this.#row.findIndex((other) => other.tick < tick)
      this.#row.splice(at === -1 ? this.#row.length : at, 0, slot)
    }
    const { later } = slot
    entry.earlier = slot
    entry.later = later
    later.earlier = entry
    slot.later = entry
    this.#size++
    if (tick < this.#armedFor) this.#arm(tick, now)
  }

  remove(entry: E): void {
    const { earlier, later } = entry
    if (earlier === undefined || later === undefined) return
    earlier.later = later
    later.earlier = earlier
    entry.earlier = undefined
    entry.later = undefined
    // An empty slot stays until its tick comes: taking it out of the row would cost more than keeping it.
    if (--this.#size === 0) this.#forget()
  }

  #forget(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#armedFor = Infinity
    this.#slots.clear()
    this.#row.length = 0
  }

  #arm(tick: Instant, now: Instant): void {
    this.#timer?.cancel()
    this.#armedFor = tick
    this.#timer = this.#clock.after(tick - now, this.#fire)
  }

  readonly #fire = (): void => {
    this.#timer = undefined
    this.#armedFor = Infinity
    const now = this.#clock.now()
    for (;;) {
      const slot = this.#row.at(-1)
      if (slot === undefined) return
      // Platform timers may fire a fraction early: arm again rather than end somebody's patience before its time.
      if (slot.tick > now) return this.#arm(slot.tick, now)
      this.#row.pop()
      this.#slots.delete(slot.tick)
      while (slot.later !== slot) {
        const entry = slot.later as E
        this.remove(entry)
        this.#expire(entry)
      }
    }
  }
}

/** The tick an instant belongs to: never before it, at most 1 ms or 1/256 of the way there after it. */
function tickOf(expires: Instant, now: Instant): Instant {
  const grain = 2 ** Math.max(0, Math.floor(Math.log2(Math.max(1, expires - now))) - 8)
  return Math.ceil(expires / grain) * grain
}
