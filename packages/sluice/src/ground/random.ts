/** A source of chance: uniform in [0, 1). */
export type Random = () => number

/** The platform's randomness. The only place in the house that names it. */
export const systemRandom: Random = Math.random

/**
 * A reproducible source of chance: the same seed gives the same numbers on every platform.
 * The generator is mulberry32 (Tommy Ettinger, 2017, public domain): 32 bits of state, plenty for simulations,
 * nothing for secrets.
 */
export function seeded(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
