import assert from 'node:assert/strict'
import type { LimitAlgorithm, Millis, Outcome, Window, WindowEnd } from '../../src/index.ts'
import { Meter } from '../../src/gate/meter.ts'

export const UNTIL: WindowEnd = { samples: 20, error: 0.1, atLeast: 50, atMost: 1000 }

/** A meter, work in flight, and an algorithm that says what it is told to say and keeps what it hears. */
export class Bench {
  readonly windows: Window[] = []
  readonly meter: Meter
  now = 1000
  /** The limits to come; the last one stays. */
  limits: number[]
  #inflight: { readonly cohort: number; readonly start: number; readonly ends: number }[] = []

  constructor(limits: readonly number[], until: WindowEnd = UNTIL) {
    this.limits = [...limits]
    const next = (): number => (this.limits.length > 1 ? this.limits.shift()! : this.limits[0]!)
    const algorithm: LimitAlgorithm<null> = {
      name: 'told',
      init: () => ({ state: null, limit: next(), reason: 'told', until }),
      step: (state, window) => {
        this.windows.push(window)
        return { state, limit: next(), reason: 'told', until }
      },
    }
    this.meter = new Meter(algorithm, this.now)
  }

  get inflight(): number {
    return this.#inflight.length
  }

  get heard(): number {
    return this.windows.length
  }

  /** Lets in one that will take so long; returns the cohort it belongs to. */
  enter(took: Millis): number {
    this.meter.mark(this.now, this.inflight + 1, false)
    const cohort = this.meter.began(this.now)
    this.#inflight.push({ cohort, start: this.now, ends: this.now + took })
    return cohort
  }

  /** Lets `ms` pass; whoever is due ends. */
  pass(ms: Millis, outcome: Outcome | ((took: Millis) => Outcome) = 'success'): void {
    const until = this.now + ms
    for (;;) {
      const next = this.#inflight.toSorted((a, b) => a.ends - b.ends)[0]
      if (next === undefined || next.ends > until) break
      this.now = next.ends
      this.#inflight.splice(this.#inflight.indexOf(next), 1)
      this.meter.mark(this.now, this.inflight, false)
      const ending = typeof outcome === 'string' ? outcome : outcome(this.now - next.start)
      this.meter.ended(next.cohort, next.start, this.now, ending)
    }
    this.now = until
  }

  /** `times` ms, in each as many let in as there is room for, and those take what `took` says. */
  fill(times: number, took: (index: number) => Millis, room: () => number = () => this.meter.limit): void {
    let index = 0
    for (let ms = 0; ms < times; ms++) {
      while (this.inflight < room()) this.enter(took(index++))
      this.pass(1)
    }
  }
}

export const near = (is: number, should: number, within: number): void =>
  assert.ok(Math.abs(is - should) <= within, `${is} is not within ${within} of ${should}`)
