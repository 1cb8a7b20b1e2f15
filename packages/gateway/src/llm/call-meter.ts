import type { Clock, Instant } from 'sluice'
import type { LlmUsage } from 'sluice/llm'
import type { CallSize } from './line.ts'
import type { LlmMeter } from './llm-meter.ts'

/** What one call adds to the figures. */
export class CallMeter {
  readonly #meter: LlmMeter
  readonly #clock: Clock
  readonly #since: Instant
  #pieces = 0
  #output = 0
  #last: Instant = 0

  /** @param since when the call arrived */
  constructor(meter: LlmMeter, clock: Clock, since: Instant) {
    this.#meter = meter
    this.#clock = clock
    this.#since = since
  }

  /** A part of a stream has come. @param pieces of the answer, seen so far @param output tokens of it so far */
  streamed(pieces: number, output: number): void {
    if (pieces <= this.#pieces && output <= this.#output) return
    const now = this.#clock.now()
    if (pieces > this.#pieces) {
      if (this.#pieces === 0) this.#meter.first(now - this.#since, now)
      else this.#meter.next(now - this.#last, now)
      this.#pieces = pieces
      this.#last = now
    }
    this.#produced(output, now)
  }

  /**
   * It has ended.
   * @param expected tokens of the answer, where somebody expected any
   * @param isWhole false where it was cut, and says nothing about predictions
   */
  ended(size: CallSize, usage: LlmUsage | undefined, expected: number | undefined, isWhole: boolean): void {
    const meter = this.#meter
    const { input = usage === undefined && !isWhole ? 0 : size.input, output = 0 } = usage ?? {}
    const now = this.#clock.now()
    this.#produced(output, now)
    meter.tokens.input += input
    meter.tokens.output += output
    meter.lately.at(now).input += input
    if (!isWhole) return
    if (usage?.input !== undefined) meter.turnedOut('input', size.input, usage.input)
    if (usage?.output !== undefined && expected !== undefined) meter.turnedOut('output', expected, usage.output)
  }

  /** For the present tokens count as they come, and not when their stream has ended. */
  #produced(output: number, now: Instant): void {
    if (output <= this.#output) return
    this.#meter.lately.at(now).output += output - this.#output
    this.#output = output
  }
}
