/** A point on a monotonic axis with an arbitrary origin, in milliseconds. Only differences mean anything. */
export type Instant = number

/** A length of time in milliseconds; may be fractional. Every duration in every API is this. */
export type Millis = number

/** Something that will happen once, unless it is cancelled first. Cancelling late or twice does nothing. */
export interface Timer extends Disposable {
  cancel(): void
}

/** Where time comes from. Production uses {@link systemClock}; the simulator and the tests bring their own. */
export interface Clock {
  now(): Instant
  /**
   * Runs `run` once, `delay` ms from now (at once, but not before returning, when `delay` is 0 or less).
   * A `background` timer does not keep the process alive; a timer somebody waits for must.
   */
  after(delay: Millis, run: () => void, options?: { readonly background?: boolean }): Timer
}

/** The longest delay a platform timer takes; a longer one would fire at once. */
const LONGEST = 2 ** 31 - 1

class SystemTimer implements Timer {
  #handle: ReturnType<typeof setTimeout> | undefined

  constructor(delay: Millis, run: () => void, background: boolean) {
    this.#arm(delay, run, background)
  }

  #arm(delay: Millis, run: () => void, background: boolean): void {
    const rest = delay - LONGEST
    // Newer Nodes (22) warn of a delay below 0.
    this.#handle =
      rest > 0 ? setTimeout(() => this.#arm(rest, run, background), LONGEST) : setTimeout(run, Math.max(0, delay))
    // Browsers and Workers answer a number, which keeps nothing alive and has nothing to unref.
    if (background) (this.#handle as { unref?: () => void }).unref?.()
  }

  cancel(): void {
    clearTimeout(this.#handle)
    this.#handle = undefined
  }

  [Symbol.dispose](): void {
    this.cancel()
  }
}

/**
 * Lets an error of somebody else's callback surface by itself, as it would from any timer: whoever happened to call is
 * not to blame and must get on with its own.
 */
export function throwLater(clock: Clock, error: unknown): void {
  clock.after(0, () => {
    throw error
  })
}

/** The platform's monotonic clock and timers. The only place in the house that names them. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after: (delay, run, options) => new SystemTimer(delay, run, options?.background === true),
}

/** The wall clock, in ms since 1970: for deadlines others name by it, and for nothing else, since it may be set. */
export type WallClock = () => number

/** The platform's wall clock. */
export const systemWallClock: WallClock = () => Date.now()
