import type { ServerResponse } from 'node:http'
import type { Clock } from 'sluice'
import { UsageReader, type LlmUsage, type TokenEstimator } from 'sluice/llm'
import type { LlmReaderConfig } from '../config/index.ts'
import { headerOf } from './answer-head.ts'
import { Outflow, type Inflow } from './outflow.ts'
import { UsageHider } from './usage-hider.ts'

const NEWLINE = 10
const RETURN = 13

/** What an {@link Answer} needs. */
export interface AnswerParts {
  readonly res: ServerResponse
  /** Names and values in turn, as the upstream sent them. */
  readonly raw: readonly string[]
  readonly reader: LlmReaderConfig
  readonly clock: Clock
  readonly inflow: Inflow
  /** Its usage was asked for by this gateway: the client is not to see it. */
  readonly hidesUsage: boolean
}

/** An answer on its way: every byte goes on first and is read after. */
export class Answer {
  readonly #outflow: Outflow
  readonly #usage: UsageReader | undefined
  readonly #hider: UsageHider | undefined
  readonly isStream: boolean
  /** The last byte passed on. */
  #last = NEWLINE

  constructor({ res, raw, reader, clock, inflow, hidesUsage }: AnswerParts) {
    this.#outflow = new Outflow(res, reader, clock, inflow)
    this.isStream = headerOf(raw, 'content-type')?.toLowerCase().startsWith('text/event-stream') === true
    const coding = headerOf(raw, 'content-encoding') ?? 'identity'
    // What is compressed cannot be read; its charge stays as it was expected.
    if (coding === 'identity') this.#usage = new UsageReader({ body: this.isStream ? 'events' : 'json' })
    // An answer that has said how long it is has to be so long.
    const isFree = this.isStream && headerOf(raw, 'content-length') === undefined
    if (hidesUsage && isFree && this.#usage !== undefined) this.#hider = new UsageHider()
  }

  write(chunk: Uint8Array): void {
    this.#tell(this.#hider === undefined ? chunk : this.#hider.take(chunk))
    this.#usage?.feed(chunk)
  }

  /** Sends the head by itself, unless it went out with data. */
  begin(): void {
    this.#outflow.begin()
  }

  /** All has come: what was held is passed on. */
  flush(): void {
    const held = this.#hider?.end()
    if (held !== undefined) this.#tell(held)
  }

  /** There is no more to pass on. */
  close(): void {
    this.#outflow.end()
  }

  /** True where what has been passed on does not end with a line; so, for all anybody knows, where it is compressed. */
  get isMidLine(): boolean {
    return this.#usage === undefined || (this.#last !== NEWLINE && this.#last !== RETURN)
  }

  #tell(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#last = bytes[bytes.length - 1]!
    this.#outflow.write(bytes)
  }

  /** Tokens seen so far: what was told, or one for each piece. */
  get produced(): number {
    return Math.max(this.#usage?.deltas ?? 0, this.#usage?.usage?.output ?? 0)
  }

  /** Pieces of the answer seen so far: with the first one its first token is there. */
  get pieces(): number {
    return this.#usage?.deltas ?? 0
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
