import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock, Millis, Priority } from 'sluice'
import type { Dialect, HeaderField, NativeRefusal, RefusalClass, TokenEstimator } from 'sluice/llm'
import type { LlmConfig, LlmReaderConfig } from '../config/index.ts'
import type { UpstreamFailureCode, UpstreamRequest } from '../proxy/index.ts'
import type { AnswerCopy } from './answer-copy.ts'
import type { CallBody } from './call-body.ts'
import type { Holdings } from './holdings.ts'
import type { LlmMeter } from './llm-meter.ts'
import type { Asker, Line, LineRefusal, Turn } from './line.ts'

/** Where a call stands: `waiting` is in the queue, or in the sleep before another attempt; `asked` before the head. */
export type Phase = 'upload' | 'waiting' | 'asked' | 'answering' | 'over'

/** How a call ended. */
export type Ended = { readonly status: number } | { readonly failure: UpstreamFailureCode } | 'departed'

/** What has come of the calls so far. */
export interface LlmCounts {
  arrived: number
  admitted: number
  retried: number
  /** Readers that were cut off. */
  stalled: number
  readonly refused: Record<LineRefusal['is'], number>
  readonly departed: Record<Phase, number>
}

/** What a call needs of the place it is made at. */
export interface CallSite {
  readonly config: LlmConfig
  readonly reader: LlmReaderConfig
  readonly clock: Clock
  readonly estimator: TokenEstimator
  readonly line: Line
  readonly holdings: Holdings
  readonly counts: LlmCounts
  readonly meter: LlmMeter
  readonly serverCount: number
  /** False where this gateway is the one who tries again. */
  readonly mayRetry: boolean
  whoOf(req: IncomingMessage): { readonly tenant: string; readonly priority: Priority }
  /** How long it may wait, in ms. */
  patienceOf(req: IncomingMessage): Millis
  requestOf(req: IncomingMessage, body: CallBody): UpstreamRequest
  /** Makes room for so much, at the cost of others where they are less important. */
  makeRoom(asker: Asker, count: number, bytes: number, tokens: number): boolean
  full(asker: Asker, message: string): LineRefusal
  /** The last answer to such a request, where they are kept. */
  copyOf(req: IncomingMessage, asker: Asker, body: Buffer): AnswerCopy | undefined
  /** Another way for one that would be refused: it has been answered already, or may go elsewhere. */
  overflow(
    refusal: LineRefusal,
    req: IncomingMessage,
    res: ServerResponse,
    copy: AnswerCopy | undefined,
  ): Turn | 'answered' | undefined
  inWords(refusal: LineRefusal): NativeRefusal
  triesAgain(is: RefusalClass, attempt: number): boolean
  /** Headers of its own for a good answer that has none of their kind. */
  budgets(dialect: Dialect, raw: readonly string[]): readonly HeaderField[]
  standing(): NativeRefusal['budgets']
  /** Headers of a stream that begins before its answer does. */
  headers(): Readonly<Record<string, string>>
  isLastCall(): boolean
  ended(ending: Ended): void
}
