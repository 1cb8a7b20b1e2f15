import type { Clock, Instant, Millis, Priority } from 'sluice'
import type { RefusalClass } from 'sluice/llm'
import { DurationCounts } from './duration-counts.ts'
import { Lately } from './lately.ts'

const WAITS = [0.01, 0.05, 0.1, 0.5, 1, 3, 5, 15, 60]
const FIRST_TOKENS = [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60]
const GAPS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5]

/** How much one call moves the mean of how far predictions are off. */
const GAIN = 0.05

/** How the status of a refusal is told: few enough to be labels. */
export type StatusWord = '429' | '4xx' | '5xx' | 'none'

/** What flows through a door to language models: counted for ever, and of late. */
export class LlmMeter {
  /** Tokens, as the upstream counted them, else as they were estimated. */
  readonly tokens: { input: number; output: number } = { input: 0, output: 0 }
  /** From the arrival of a call to its first token, its wait included. Of streams only: of others it is not seen. */
  readonly firstToken: DurationCounts = new DurationCounts(FIRST_TOKENS)
  /** Between two pieces of a stream. */
  readonly gap: DurationCounts = new DurationCounts(GAPS)
  /** How long those let in had waited, by band, the lowest first. */
  readonly waits: readonly DurationCounts[] = [0, 1, 2, 3].map(() => new DurationCounts(WAITS))
  /** Refusals of the upstream. */
  readonly refusals: Map<RefusalClass, Map<StatusWord, number>> = new Map()
  /** By which part of the larger of both what was expected and what it was differ, of late; undefined: nothing is known. */
  readonly error: { input: number | undefined; output: number | undefined } = { input: undefined, output: undefined }
  readonly lately: Lately
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
    this.lately = new Lately(clock)
  }

  letIn(priority: Priority, waited: Millis): void {
    this.waits[priority]!.add(waited)
    this.lately.at(this.#clock.now()).waits[priority]!.add(waited)
  }

  first(took: Millis, now: Instant): void {
    this.firstToken.add(took)
    this.lately.at(now).firstToken.add(took)
  }

  next(took: Millis, now: Instant): void {
    this.gap.add(took)
    this.lately.at(now).gap.add(took)
  }

  refusedBy(is: RefusalClass, status: number): void {
    const words = this.refusals.get(is) ?? new Map<StatusWord, number>()
    const word = wordOf(status)
    this.refusals.set(is, words.set(word, (words.get(word) ?? 0) + 1))
  }

  /** It was expected to be so many tokens, and was so many. */
  turnedOut(kind: 'input' | 'output', expected: number, actual: number): void {
    const off = Math.abs(actual - expected) / Math.max(1, actual, expected)
    const before = this.error[kind]
    this.error[kind] = before === undefined ? off : before + GAIN * (off - before)
  }
}

function wordOf(status: number): StatusWord {
  if (status === 0) return 'none'
  if (status === 429) return '429'
  return status < 500 ? '4xx' : '5xx'
}
