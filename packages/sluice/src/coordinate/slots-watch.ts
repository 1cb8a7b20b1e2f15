import type { Arrival } from '../ground/index.ts'

/** Aborts the signal of one piece of work when its caller leaves or its lease is lost, whichever is first. */
export class SlotWatch {
  readonly #controller = new AbortController()
  readonly #signal: AbortSignal | undefined
  readonly #leave: (() => void) | undefined

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal
    if (signal === undefined) return
    if (signal.aborted) this.#controller.abort(signal.reason)
    this.#leave = (): void => this.#controller.abort(signal.reason)
    signal.addEventListener('abort', this.#leave, { once: true })
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  lost(reason: Error): void {
    this.#controller.abort(reason)
  }

  done(): void {
    if (this.#leave !== undefined) this.#signal?.removeEventListener('abort', this.#leave)
  }
}

/** An arrival whose work is to hear of a lost lease. */
export interface WatchedArrival extends Arrival {
  readonly watch?: SlotWatch | undefined
}
