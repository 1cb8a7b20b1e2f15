import assert from 'node:assert/strict'
import {
  adaptive,
  type AdaptiveOptions,
  type AdaptiveState,
  type Millis,
  type Step,
  type Window,
} from '../../src/index.ts'
import { windowOf, type WindowParts } from './window-of.ts'

/** Time in service with so many in flight. */
export type Service = (inflight: number) => Millis

export const FLAT: Service = () => 50
/** So many workers, and a queue behind them. */
export const workers =
  (count: number, base: Millis = 50): Service =>
  (inflight) =>
    base * Math.max(1, inflight / count)

/** The algorithm before a service of which more is always asked than it can do. */
export class Play {
  readonly steps: Step<AdaptiveState>[]
  readonly ends: number[] = [1000]
  readonly #algorithm: ReturnType<typeof adaptive>

  constructor(options: AdaptiveOptions = {}) {
    this.#algorithm = adaptive(options)
    this.steps = [this.#algorithm.init()]
  }

  get step(): Step<AdaptiveState> {
    return this.steps.at(-1)!
  }

  get limit(): number {
    return this.step.limit
  }

  get now(): number {
    return this.ends.at(-1)!
  }

  get reasons(): readonly string[] {
    return this.steps.map(({ reason }) => reason)
  }

  tell(parts: WindowParts): Step<AdaptiveState> {
    const end = this.now + 100
    this.ends.push(end)
    const window: Window = windowOf({ error: 0.03, ...parts, start: this.now - 100, end })
    this.steps.push(this.#algorithm.step(this.step.state, window))
    return this.step
  }

  /** So many windows, each at the limit. */
  see(service: Service, windows: number, parts: WindowParts = {}): this {
    for (let window = 0; window < windows; window++) {
      const took = service(this.limit)
      // Little's law.
      this.tell({ meanInflight: this.limit, took, count: 20, completed: (100 * this.limit) / took, ...parts })
    }
    return this
  }

  /** On until a step says this. */
  until(service: Service, reason: string, parts: WindowParts = {}): Step<AdaptiveState> {
    for (let count = 0; count < 4000; count++) {
      this.see(service, 1, parts)
      if (this.step.reason === reason) return this.step
    }
    return assert.fail(`never said '${reason}': ${this.reasons.slice(0, 60).join(', ')}`)
  }

  /** What was decided from one step on. */
  since(step: number): readonly string[] {
    return this.reasons.slice(step)
  }
}

/** Service times that vary, so that what is known is soon known no more. */
export const VARIED: WindowParts = { error: 0.3 }

/** One that has come to know its service. */
export function settled(service: Service, options: AdaptiveOptions = {}): Play {
  const play = new Play(options).see(service, 200)
  while (play.step.state.trip !== null) play.see(service, 1)
  return play
}

/** One that has come to look below the knee. */
export function dipped(): Play {
  const play = new Play({ initial: 100 })
  play.until(workers(40), 'probe', VARIED)
  return play
}

export const within = (value: number, least: number, most: number): void =>
  assert.ok(value >= least && value <= most, `${value} is not from ${least} to ${most}`)
