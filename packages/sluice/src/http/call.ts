const REASONS = {
  left: ['the client left', 'AbortError'],
  late: ['the handler took too long', 'TimeoutError'],
} as const

/** Why work on a request is no longer wanted. */
export type CallOff = keyof typeof REASONS

/** How the work on one request is called off. The signal is made for those who ask for it, and so is its reason. */
export class Call {
  #controller: AbortController | undefined
  #reason: CallOff | undefined

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#reason !== undefined) this.#abort(this.#controller, this.#reason)
    }
    return this.#controller.signal
  }

  /** The first reason counts. */
  off(reason: CallOff): void {
    if (this.#reason !== undefined) return
    this.#reason = reason
    if (this.#controller !== undefined) this.#abort(this.#controller, reason)
  }

  #abort(controller: AbortController, reason: CallOff): void {
    controller.abort(new DOMException(...REASONS[reason]))
  }
}
