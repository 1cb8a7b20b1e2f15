/** Microtasks in which nobody asked again after which it is done, and how many at most. */
const [QUIET, HOPS] = [4, 200]
/** Its reactions are microtasks without a resource of their own, which those of `queueMicrotask` have. */
const NOW = Promise.resolve()

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
      void NOW.then(this.#hop)
    }
    this.#quiet = QUIET
  }

  readonly #hop = (): void => {
    if (--this.#quiet > 0 && ++this.#hops < HOPS) return void NOW.then(this.#hop)
    this.#quiet = 0
    this.#run()
  }
}
