import type { Millis } from '../../ground/index.ts'
import { readAsked, type LlmAsked } from '../dialects/asked.ts'
import { dialectOf, type Dialect } from '../dialects/dialect.ts'

/** One call of an SDK's, whatever becomes of it: its attempts are counted here, whoever makes them. */
export class PacedCall {
  readonly dialect: Dialect
  readonly asked: LlmAsked
  /** The one it asks, as far as it or its client says; else its dialect, which no pool knows. */
  readonly model: string
  /** How often it may be sent in all. */
  readonly attempts: number
  /** How long one attempt may take until the head of its answer is there, in ms. Undefined where the SDK sees to that. */
  readonly timeout: Millis | undefined
  /** How often it has been sent. */
  sent = 0
  /** What it failed with the last time, where there was no answer. */
  failure: unknown

  constructor(dialect: Dialect, body: unknown, attempts: number, timeout?: Millis, model: string = dialect) {
    this.dialect = dialect
    this.asked = readAsked(dialect, body)
    this.model = this.asked.model ?? model
    this.attempts = attempts
    this.timeout = timeout
  }

  get mayRetry(): boolean {
    return this.sent < this.attempts
  }
}

/** What an SDK is about to request. */
export interface SdkRequest {
  readonly method?: string
  readonly path?: string
  readonly body?: unknown
}

/** The dialect of a request that asks a model; undefined for any other. */
export function paces({ method, path, body }: SdkRequest): Dialect | undefined {
  if (method?.toLowerCase() !== 'post' || path === undefined || typeof body !== 'object' || body === null)
    return undefined
  return dialectOf(path)
}
