/** One of those who asked most. */
export interface TopTenant {
  readonly tenant: string
  /** Per second, lately. */
  readonly offered: number
  readonly rejected: number
}

interface Count {
  offered: number
  rejected: number
}

/** How many are kept count of: many more than are shown, so that those shown are right. */
const KEPT = 256
/** A second ago weighs so much less than now: a minute's memory. */
const FADE = 59 / 60

/**
 * Who asks most, in fixed memory whatever names come: the space-saving algorithm (Metwally, Agrawal and El Abbadi, 2005)
 * with fading, so that it is about the last minute.
 */
export class TopTenants {
  readonly #counts = new Map<string, Count>()
  #all = 0
  /** Of all seconds it knows of, this one included: 60 in the end. */
  #weight = 1

  offered(tenant: string): void {
    this.#all++
    this.#count(tenant).offered++
  }

  rejected(tenant: string): void {
    const count = this.#counts.get(tenant)
    if (count !== undefined) count.rejected++
  }

  /** To be called once a second. */
  fade(): void {
    this.#all *= FADE
    this.#weight = this.#weight * FADE + 1
    for (const [tenant, count] of this.#counts) {
      count.offered *= FADE
      count.rejected *= FADE
      if (count.offered < 0.01) this.#counts.delete(tenant)
    }
  }

  /** All that was offered lately, per second. */
  get total(): number {
    return this.#all / this.#weight
  }

  /** The most first. */
  top(most: number): readonly TopTenant[] {
    return [...this.#counts]
      .sort(([, a], [, b]) => b.offered - a.offered)
      .slice(0, most)
      .map(([tenant, { offered, rejected }]) => ({
        tenant,
        offered: offered / this.#weight,
        rejected: rejected / this.#weight,
      }))
  }

  #count(tenant: string): Count {
    let count = this.#counts.get(tenant)
    if (count !== undefined) return count
    count = { offered: 0, rejected: 0 }
    if (this.#counts.size >= KEPT) {
      let least: [string, Count] | undefined
      for (const entry of this.#counts) if (least === undefined || entry[1].offered < least[1].offered) least = entry
      this.#counts.delete(least![0])
      // It may have been here before: at most as often as the one whose place it takes.
      count.offered = least![1].offered
    }
    this.#counts.set(tenant, count)
    return count
  }
}
