/** Microtasks in which nobody asked again after which it is done, and how many at most. */
const [QUIET, HOPS] = [4, 200]

/** Does something once for all who ask for it in one turn of the event loop: what happens together is told together. */
export class Soon {
  readonly #run: () => void
  #quiet = 0
  #hops = 0

  constructor(run: () => void) {
    this.#run = run
  }

  ask(): void {
    if (this.#quiet === 0) {
      this.#hops = 0
      queueMicrotask(this.#hop)
    }
    this.#quiet = QUIET
  }

  readonly #hop = (): void => {
    if (--this.#quiet > 0 && ++this.#hops < HOPS) return queueMicrotask(this.#hop)
    this.#quiet = 0
    this.#run()
  }
}
