import type { LlmQueueConfig } from '../config/index.ts'

/** What waits, and what it holds: bounded by count, bytes and tokens. */
export class Holdings {
  readonly #bounds: LlmQueueConfig
  /** Calls that wait, those included whose body is still coming. */
  count = 0
  /** Bytes of bodies that are kept: of all that wait, and of those that may be sent again. */
  bytes = 0
  /** Tokens of those that wait. */
  tokens = 0
  /** Calls whose body is still coming although there is no room: for another way than the queue. */
  detours = 0
  readonly #mostDetours: number

  /** @param mostDetours so many bodies are read beside the queue */
  constructor(bounds: LlmQueueConfig, mostDetours: number = 0) {
    this.#bounds = bounds
    this.#mostDetours = mostDetours
  }

  get mayDetour(): boolean {
    return this.detours < this.#mostDetours
  }

  /** Whether so much more would fit. The first always does by tokens: whether it can be served says the line. */
  fits(count: number, bytes: number, tokens: number): boolean {
    const { max, bytes: mostBytes, tokens: mostTokens } = this.#bounds
    return (
      (count === 0 || this.count + count <= max) &&
      (bytes === 0 || this.bytes + bytes <= mostBytes) &&
      (tokens === 0 || this.tokens === 0 || this.tokens + tokens <= mostTokens)
    )
  }
}
