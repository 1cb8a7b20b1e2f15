import type { ServerResponse } from 'node:http'
import type { Clock } from 'sluice'
import { UsageReader, type LlmUsage, type TokenEstimator } from 'sluice/llm'
import type { LlmReaderConfig } from '../config/index.ts'
import { headerOf } from './answer-head.ts'
import { Outflow, type Inflow } from './outflow.ts'

/** What an {@link Answer} needs. */
export interface AnswerParts {
  readonly res: ServerResponse
  /** Names and values in turn, as the upstream sent them. */
  readonly raw: readonly string[]
  readonly reader: LlmReaderConfig
  readonly clock: Clock
  readonly inflow: Inflow
}

/** An answer on its way: every byte goes on first and is read after. */
export class Answer {
  readonly #outflow: Outflow
  readonly #usage: UsageReader | undefined
  readonly isStream: boolean

  constructor({ res, raw, reader, clock, inflow }: AnswerParts) {
    this.#outflow = new Outflow(res, reader, clock, inflow)
    this.isStream = headerOf(raw, 'content-type')?.startsWith('text/event-stream') === true
    const coding = headerOf(raw, 'content-encoding') ?? 'identity'
    // What is compressed cannot be read; its charge stays as it was expected.
    if (coding === 'identity') this.#usage = new UsageReader({ body: this.isStream ? 'events' : 'json' })
  }

  write(chunk: Uint8Array): void {
    this.#outflow.write(chunk)
    this.#usage?.feed(chunk)
  }

  /** Tokens seen so far: what was told, or one for each piece. */
  get produced(): number {
    return Math.max(this.#usage?.deltas ?? 0, this.#usage?.usage?.output ?? 0)
  }

  /** The first token has been seen. */
  get hasBegun(): boolean {
    return (this.#usage?.deltas ?? 0) > 0
  }

  /** Nothing more comes. @returns what it has used; undefined where nobody knows */
  end(estimator: TokenEstimator, model: string): LlmUsage | undefined {
    this.#outflow.stop()
    const usage = this.#usage
    if (usage === undefined) return undefined
    usage.end()
    if (usage.usageFinal) return usage.usage
    if (!this.isStream && usage.usage === undefined) return undefined
    return { ...usage.usage, output: usage.streamedTokens(estimator, model) }
  }

  stop(): void {
    this.#outflow.stop()
  }
}
