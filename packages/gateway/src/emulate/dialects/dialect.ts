import type { Profile } from '../profile.ts'
import type { Wording } from '../prose.ts'
import type { PromptSize } from '../prompt-size.ts'
import type { ProviderRefusal } from '../provider-refusal.ts'

/** One way of talking about calls over HTTP: reads bodies, writes answers and refusals. */
export interface Dialect {
  /** What `data:` lines of a stream are framed by. */
  readonly contentType: string
  /** The name of the header with the id of an answer. */
  readonly idHeader: string
  /** @throws InvalidRequest */
  read(body: Readonly<Record<string, unknown>>, path: PathFacts): Prompt
  whole(reply: Reply, end: End): unknown
  stream(reply: Reply): StreamWriter
  refuse(refusal: ProviderRefusal, model: string, profile: Profile): ErrorAnswer
  invalid(error: InvalidRequest): ErrorAnswer
}

/** What the path says, where it says it. */
export interface PathFacts {
  readonly model?: string
  readonly stream?: boolean
  /** The prompt is to be counted, and nothing said. */
  readonly counts?: boolean
}

/** A call as far as it concerns a provider. */
export interface Prompt {
  readonly model: string
  readonly size: PromptSize
  readonly maxTokens: number | undefined
  /** Tries of which only the best is given; all are paid. */
  readonly tries: number
  readonly stream: boolean
  readonly includeUsage: boolean
  /** What the answer must be, where the caller left no choice. */
  readonly demand: Demand | undefined
}

/** A call of a tool, or JSON of a shape. */
export type Demand =
  | { readonly kind: 'tool'; readonly name: string; readonly schema: unknown }
  | { readonly kind: 'json'; readonly schema: unknown }

export interface Reply {
  /** Without a prefix. */
  readonly id: string
  readonly model: string
  /** The provider's wall clock, in ms since 1970. */
  readonly created: number
  readonly tool: string | undefined
  readonly wording: Wording
  readonly input: number
  readonly cached: number
  readonly cacheWrite: number
  readonly includeUsage: boolean
}

/** How an answer ended. */
export interface End {
  readonly produced: number
  /** Cut short by `max_tokens`. */
  readonly short: boolean
}

/** Writes an answer piece by piece. */
export interface StreamWriter {
  open(): string
  /** Tokens `from` up to, but without, `to`. */
  tokens(from: number, to: number): string
  close(end: End): string
  /** What a stream says when the provider fails in its middle. */
  error(): string
}

export interface ErrorAnswer {
  readonly status: number
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** A call that makes no sense. */
export class InvalidRequest extends Error {
  readonly status: number
  readonly param: string | undefined
  readonly code: string | undefined

  constructor(status: number, message: string, param?: string, code?: string) {
    super(message)
    this.name = 'InvalidRequest'
    this.status = status
    this.param = param
    this.code = code
  }
}

/** One event of a stream. */
export function sse(data: unknown, event?: string): string {
  return `${event === undefined ? '' : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`
}
