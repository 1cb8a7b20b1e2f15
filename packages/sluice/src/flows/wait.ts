/** A promise that any number may wait for, and nobody has to: what nobody waits for is no unhandled rejection. */
export class Wait {
  readonly promise: Promise<void>
  #resolve!: () => void
  #reject!: (reason: unknown) => void

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.promise.catch(() => {})
  }

  static rejected(reason: unknown): Promise<void> {
    const wait = new Wait()
    wait.reject(reason)
    return wait.promise
  }

  resolve(): void {
    this.#resolve()
  }

  reject(reason: unknown): void {
    this.#reject(reason)
  }
}
