/** The part of the AI SDK's language models (specification v3, of `ai` 6) that its middleware touches. */
export interface AiModelLike {
  readonly provider: string
  readonly modelId: string
}

/** What one call asks for. */
export interface AiCallLike {
  readonly prompt: readonly AiMessageLike[]
  readonly maxOutputTokens?: number | undefined
  readonly tools?: readonly unknown[] | undefined
  readonly responseFormat?: unknown
  readonly abortSignal?: AbortSignal | undefined
}

export interface AiMessageLike {
  readonly role: string
  readonly content: unknown
}

export interface AiUsageLike {
  readonly inputTokens: {
    readonly total: number | undefined
    readonly cacheRead: number | undefined
    readonly cacheWrite: number | undefined
  }
  readonly outputTokens: { readonly total: number | undefined }
}

export interface AiHeadLike {
  readonly headers?: Readonly<Record<string, string>> | undefined
}

export interface AiAnswerLike {
  readonly usage: AiUsageLike
  readonly response?: AiHeadLike | undefined
}

/** A part of a streamed answer: `type` says which. */
export interface AiPartLike {
  readonly type: string
}

export interface AiStreamLike<P extends AiPartLike = AiPartLike> {
  readonly stream: ReadableStream<P>
  readonly response?: AiHeadLike | undefined
}
