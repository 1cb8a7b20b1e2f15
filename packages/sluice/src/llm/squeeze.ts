import type { Instant, Millis } from '../ground/index.ts'

/** What is found to be too much is measured over no longer and no shorter than this, in ms. */
const [LONGEST, SHORTEST]: readonly [Millis, Millis] = [60_000, 15_000]

/** Refusals within this are one event: they were on their way together, in ms. */
const TOGETHER: Millis = 2000

/** By how much of the limit it is tried again whether there is more, and how often, in ms. */
const [MORE, EVERY]: readonly [number, Millis] = [0.02, 60_000]

/** A limit that was told, and not measured, is believed for so much longer, in ms. */
const BELIEVED: Millis = 9 * EVERY

/** A little more is taken off than was too much: or the next refusal would come as surely. */
const SURE = 1.05

/** Never less than this part of the limit, nor than this part of what it was. */
const [LEAST, HALF] = [0.02, 0.5]

/** So much slower are those who came too close together. */
const CLOSE = 0.9

/**
 * How much of a limit there really is, where a provider tells nothing but refusals. Each one says that nothing is left; what
 * was thought to be left came together since the one before: by so much the rate was too high, be it that the limit is
 * lower or that others use it. Afterwards a fiftieth more is tried each minute.
 */
export class Squeeze {
  #changed: Instant = -Infinity
  #refused: Instant = -Infinity
  #part = 1

  /**
   * It was refused.
   * @param over so much was thought to be left and was not, as a part of the limit of `per`
   * @param current the part of the limit that all processes go by now
   * @returns the part to go by from now on; nothing where that does not change
   */
  refused(over: number, per: Millis, current: number, now: Instant): number | undefined {
    const since = Math.min(LONGEST, now - this.#refused)
    if (since < TOGETHER) return undefined
    this.#refused = now
    this.#changed = now
    const found = current - (SURE * Math.max(0, over) * per) / Math.max(SHORTEST, since)
    this.#part = Math.min(1, Math.max(LEAST, current * HALF, found))
    return this.#part
  }

  /**
   * Others have been refused, and have drawn the conclusion.
   * @param current the part of the limit that all processes go by now
   * @returns as {@link refused}
   */
  follow(current: number, now: Instant): number {
    this.#refused = now
    this.#changed = now
    this.#part = current
    return current
  }

  /**
   * It was refused, and told how much there is.
   * @param part that, as a part of what was declared
   * @returns as {@link refused}
   */
  told(part: number, now: Instant): number {
    this.#refused = now
    this.#changed = now + BELIEVED
    this.#part = Math.max(LEAST, part)
    return this.#part
  }

  /**
   * It was refused although its headers say that enough is left: they came too close together.
   * @returns as {@link refused}
   */
  tooClose(current: number, now: Instant): number | undefined {
    if (now - this.#refused < TOGETHER) return undefined
    this.#refused = now
    this.#changed = now
    this.#part = Math.max(LEAST, current * CLOSE)
    return this.#part
  }

  /** The part to go by from now on, where it is time to try more. */
  grow(current: number, now: Instant): number | undefined {
    if (this.#part >= 1 || now - this.#changed < EVERY) return undefined
    this.#changed = now
    // Others may have found that there is less.
    this.#part = Math.min(1, Math.min(this.#part, current) + MORE)
    return this.#part
  }
}
