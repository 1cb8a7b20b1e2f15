import type { Clock, Instant, Millis } from 'sluice'
import { Histogram } from '../live/index.ts'

/** So many seconds are the present. */
const SECONDS = 10

/** What flowed in one second, or in several together. */
export class Flow {
  /** Tokens of prompts and of answers. */
  input = 0
  output = 0
  readonly firstToken: Histogram = new Histogram()
  readonly gap: Histogram = new Histogram()
  /** By band, the lowest first. */
  readonly waits: readonly Histogram[] = [new Histogram(), new Histogram(), new Histogram(), new Histogram()]

  addAll(other: Flow): void {
    this.input += other.input
    this.output += other.output
    this.firstToken.addAll(other.firstToken)
    this.gap.addAll(other.gap)
    for (const [band, waits] of this.waits.entries()) waits.addAll(other.waits[band]!)
  }
}

/** The last ten seconds: each has its own figures, made when something first happens in it. */
export class Lately {
  readonly #clock: Clock
  readonly #began: Instant
  readonly #seconds: { at: number; flow: Flow }[] = []

  constructor(clock: Clock) {
    this.#clock = clock
    this.#began = clock.now()
  }

  /** What flows at an instant, which is not before the one asked for last. */
  at(now: Instant): Flow {
    const at = Math.floor(now / 1000)
    const last = this.#seconds.at(-1)
    if (last?.at === at) return last.flow
    const flow = new Flow()
    this.#seconds.push({ at, flow })
    if (this.#seconds.length > SECONDS) this.#seconds.shift()
    return flow
  }

  /** All of it together, and over how many ms. */
  sum(): { readonly flow: Flow; readonly over: Millis } {
    const now = this.#clock.now()
    const oldest = Math.floor(now / 1000) - SECONDS + 1
    const flow = new Flow()
    for (const second of this.#seconds) if (second.at >= oldest) flow.addAll(second.flow)
    return { flow, over: Math.max(1000, now - Math.max(this.#began, oldest * 1000)) }
  }
}
