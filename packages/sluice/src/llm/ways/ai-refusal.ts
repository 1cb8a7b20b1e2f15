import { nativeError } from '../dialects/native-error.ts'
import type { ProviderRefusal } from '../refused.ts'
import { refusalOfError } from '../refusal-of-error.ts'
import type { AiModelLike } from './ai-model.ts'
import { poolRefusal } from './pool-refusal.ts'

/** By these the AI SDK knows its errors, whichever copy of it made them. */
const MARKS = ['vercel.ai.error', 'vercel.ai.error.AI_APICallError'] as const

/** What the AI SDK throws when a provider refuses, made for a refusal of the pool's: `APICallError.isInstance` says yes. */
class AiCallError extends Error {
  readonly url: string
  readonly requestBodyValues: unknown = undefined
  readonly statusCode: number
  readonly responseHeaders: Readonly<Record<string, string>>
  readonly responseBody: string
  /** The pool has already waited as long as makes sense. */
  readonly isRetryable: boolean = false
  readonly data: unknown = undefined

  constructor(
    message: string,
    cause: unknown,
    parts: Pick<AiCallError, 'url' | 'statusCode' | 'responseHeaders' | 'responseBody'>,
  ) {
    super(message, { cause })
    this.name = 'AI_APICallError'
    this.url = parts.url
    this.statusCode = parts.statusCode
    this.responseHeaders = parts.responseHeaders
    this.responseBody = parts.responseBody
  }
}
for (const mark of MARKS) Object.defineProperty(AiCallError.prototype, Symbol.for(mark), { value: true })

/** A refusal of the pool's as the AI SDK's own error; any other error as it is. */
export function aiErrorOf(error: unknown, model: AiModelLike, now: number): unknown {
  const refusal = poolRefusal(error)
  if (refusal === undefined) return error
  const { status, headers, body } = nativeError('generic', refusal, now)
  return new AiCallError(refusal.message, error, {
    url: `sluice:${model.provider}/${model.modelId}`,
    statusCode: status,
    responseHeaders: { ...Object.fromEntries(headers), 'x-sluice-refused': refusal.code },
    responseBody: body,
  })
}

/** What a provider's refusal was, as an error of the AI SDK tells it; undefined where it is none. */
export function aiRefusalOf(error: unknown): ProviderRefusal | undefined {
  const told = refusalOfError(error)
  if (told !== undefined || typeof error !== 'object' || error === null) return told
  const { name, statusCode, isRetryable } = error as { name?: unknown; statusCode?: unknown; isRetryable?: unknown }
  // No answer at all: it could not connect.
  return name === 'AI_APICallError' && statusCode === undefined && isRetryable === true ? { status: 0 } : undefined
}
