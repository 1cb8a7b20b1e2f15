import type { Clock, Millis, Timer } from '../ground/index.ts'

/** Calls something again and again while there is a reason to. */
export class Heartbeat {
  readonly #clock: Clock
  readonly #every: Millis
  readonly #beat: () => boolean
  #timer: Timer | undefined

  /**
   * @param every in ms; `Infinity` for never
   * @param beat answers whether to go on
   */
  constructor(clock: Clock, every: Millis, beat: () => boolean) {
    this.#clock = clock
    this.#every = every
    this.#beat = beat
  }

  start(): void {
    if (this.#every === Infinity) return
    this.#timer ??= this.#clock.after(
      this.#every,
      () => {
        this.#timer = undefined
        if (this.#beat()) this.start()
      },
      { background: true },
    )
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }
}
