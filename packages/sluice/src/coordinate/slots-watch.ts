import { unwatchAbort, watchAbort, type AbortListener, type Arrival } from '../ground/index.ts'

/** Aborts the signal of one piece of work when its caller leaves or its lease is lost, whichever is first. */
export class SlotWatch implements AbortListener {
  readonly #controller = new AbortController()
  readonly #signal: AbortSignal | undefined

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal
    if (signal?.aborted === true) this.aborted(signal.reason)
    else if (signal !== undefined) watchAbort(signal, this)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  aborted(reason: unknown): void {
    this.#controller.abort(reason)
  }

  lost(reason: Error): void {
    this.#controller.abort(reason)
  }

  done(): void {
    if (this.#signal !== undefined) unwatchAbort(this.#signal, this)
  }
}

/** An arrival whose work is to hear of a lost lease. */
export interface WatchedArrival extends Arrival {
  readonly watch?: SlotWatch | undefined
}
