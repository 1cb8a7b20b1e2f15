import type { Assembly } from './assembly.ts'
import { closeParts, onlyIn } from './parts.ts'

/** How often it is looked whether the last request of an old plan has ended, in ms. */
const LOOK = 50

/**
 * The plan in force, and those before it under which requests are open still. What an old plan runs and its successor does
 * not is ended once nobody is left who came under it, or under one before it: they may run the same.
 */
export class Succession {
  #current: Assembly
  /** The oldest first. */
  readonly #old: Assembly[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(first: Assembly) {
    this.#current = first
  }

  get current(): Assembly {
    return this.#current
  }

  /** Plans that are still being finished. */
  get retiring(): number {
    return this.#old.length
  }

  /** From now on this is the plan. Nothing can fail any more. */
  succeed(next: Assembly): void {
    this.#old.push(this.#current)
    this.#current = next
    if (this.#timer !== undefined) return
    this.#timer = setInterval(() => this.#look(), LOOK)
    this.#timer.unref()
  }

  /** Ends everything, whether anybody is left or not. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    const all = [...this.#old.splice(0), this.#current]
    await Promise.all(all.map((assembly, at) => closeParts(assembly.parts, all[at + 1]?.parts)))
  }

  #look(): void {
    for (;;) {
      const [oldest] = this.#old
      if (oldest === undefined) break
      const next = this.#old[1] ?? this.#current
      const leaving = onlyIn(oldest.parts.balancers, next.parts.balancers)
      if (onlyIn(oldest.parts.doors, next.parts.doors).some(({ isBusy }) => isBusy)) return
      if (oldest.busy || leaving.some(({ inflight }) => inflight > 0)) return
      this.#old.shift()
      void closeParts(oldest.parts, next.parts)
    }
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
