/** The slice of undici's `DispatchController` that is touched. */
export interface DispatchController {
  readonly aborted: boolean
  readonly paused: boolean
  readonly reason: Error | null
  rawHeaders?: unknown
  rawTrailers?: unknown
  abort(reason: Error): void
  pause(): void
  resume(): void
}

/** Who is told that the caller pulled the reins. */
export interface Driven {
  aborted(reason: Error): void
}

/**
 * What the caller holds of its request from its beginning on, long before there is a connection with a controller of its
 * own: whoever waits can leave as well.
 */
export class Reins implements DispatchController {
  readonly #driven: Driven
  #target: DispatchController | undefined
  #paused = false
  #aborted = false
  #reason: Error | null = null

  constructor(driven: Driven) {
    this.#driven = driven
  }

  /** The controller of the connection it goes over. */
  get target(): DispatchController | undefined {
    return this.#target
  }

  set target(target: DispatchController) {
    this.#target = target
    if (this.#paused) target.pause()
  }

  get aborted(): boolean {
    return this.#aborted || this.#target?.aborted === true
  }

  get paused(): boolean {
    return this.#target?.paused ?? this.#paused
  }

  get reason(): Error | null {
    return this.#reason ?? this.#target?.reason ?? null
  }

  get rawHeaders(): unknown {
    return this.#target?.rawHeaders ?? null
  }

  get rawTrailers(): unknown {
    return this.#target?.rawTrailers ?? null
  }

  abort(reason: Error): void {
    if (!this.#aborted) {
      this.#aborted = true
      this.#reason = reason ?? null
    }
    this.#driven.aborted(reason)
  }

  pause(): void {
    this.#paused = true
    this.#target?.pause()
  }

  resume(): void {
    this.#paused = false
    this.#target?.resume()
  }
}
