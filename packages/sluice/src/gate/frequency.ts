/** Counters a key is counted in. */
const ROWS = 4
/** Counters of a row per key that matters. Fewer, and a flood of keys that come but once looks like favourites. */
const SPREAD = 4
/** After so many counts per counter of a row all are halved, so that yesterday's favourites are forgotten. */
const AGE = 4

/**
 * Roughly how often keys were seen lately, in fixed memory, whatever the number of keys: a count-min sketch with ageing,
 * as TinyLFU uses it to decide whom a cache admits (Einziger, Friedman and Manes, 2017), with conservative update (Estan
 * and Varghese, 2002). It may count too much, never too little. 16 bytes a key.
 */
export class Frequency {
  readonly #counts: Uint8Array
  readonly #mask: number
  #seen = 0

  /** @param keys about how many keys matter at once */
  constructor(keys: number) {
    const width = 2 ** Math.ceil(Math.log2(Math.max(16, SPREAD * keys)))
    this.#mask = width - 1
    this.#counts = new Uint8Array(width * ROWS)
  }

  /** True once it has seen enough to tell who comes often: whoever has a gate by then had the time to be counted. */
  get ripe(): boolean {
    return this.#seen > this.#mask
  }

  /** Counts a key once more. */
  see(hash: number): void {
    const counts = this.#counts
    const least = this.of(hash)
    // The higher ones count somebody else as well: to raise them too would only add to what is counted too much.
    if (least < 255)
      for (let row = 0; row < ROWS; row++) {
        const at = this.#at(hash, row)
        if (counts[at] === least) counts[at] = least + 1
      }
    if (++this.#seen >= AGE * (this.#mask + 1)) {
      for (let at = 0; at < counts.length; at++) counts[at]! >>= 1
      this.#seen >>= 1
    }
  }

  /** How often it was seen lately. */
  of(hash: number): number {
    let least = 255
    for (let row = 0; row < ROWS; row++) least = Math.min(least, this.#counts[this.#at(hash, row)]!)
    return least
  }

  #at(hash: number, row: number): number {
    // Two halves of one hash make as many independent ones as needed (Kirsch and Mitzenmacher, 2006).
    const mixed = (hash + Math.imul(row, (hash >>> 16) | 1) * 0x9e3779b1) >>> 0
    return row * (this.#mask + 1) + ((mixed ^ (mixed >>> 15)) & this.#mask)
  }
}
