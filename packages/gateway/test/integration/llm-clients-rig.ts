// Official SDKs, unmodified, through a pool to an emulated provider.
import Anthropic from '@anthropic-ai/sdk'
import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import { streamText, generateText, wrapLanguageModel, type LanguageModel } from 'ai'
import OpenAI from 'openai'
import { aiMiddleware } from 'sluice/ai'
import { llmPool, provider, wrapAnthropic, wrapOpenai, type LlmPool, type LlmPoolOptions } from 'sluice/llm'

// It has a default for `max_tokens` that depends on the model, and says so.
Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false })

export const MODEL = 'm'
export const HELLO: { model: string; max_tokens: number; messages: { role: 'user'; content: string }[] } = {
  model: MODEL,
  max_tokens: 1000,
  messages: [{ role: 'user', content: 'hello there' }],
}

/** A pool for the emulator's model, without limits that matter unless some are given. */
export function poolOf(
  limits: Partial<Parameters<typeof provider.openai>[0]> = {},
  options: Partial<LlmPoolOptions> = {},
  kind: 'openai' | 'anthropic' = 'openai',
): LlmPool {
  const given = Object.keys(limits).length === 0 ? { rpm: 1e6 } : limits
  return llmPool({ limits: [provider[kind]({ model: MODEL, ...given })], ...options })
}

export interface SdkOptions {
  readonly maxRetries?: number
  readonly timeout?: number
}

export function openaiOf(url: string, pool: LlmPool, options: SdkOptions = {}): OpenAI {
  return wrapOpenai(new OpenAI({ baseURL: `${url}/v1`, apiKey: 'any', ...options }), pool)
}

export function anthropicOf(url: string, pool: LlmPool, options: SdkOptions = {}): Anthropic {
  return wrapAnthropic(new Anthropic({ baseURL: url, apiKey: 'any', ...options }), pool)
}

export function aiOf(url: string, pool: LlmPool, dialect: 'openai' | 'anthropic' = 'openai'): LanguageModel {
  const model =
    dialect === 'openai'
      ? createOpenAI({ baseURL: `${url}/v1`, apiKey: 'any' }).chat(MODEL)
      : createAnthropic({ baseURL: `${url}/v1`, apiKey: 'any' })(MODEL)
  return wrapLanguageModel({ model, middleware: aiMiddleware(pool) })
}

export interface AskOptions extends SdkOptions {
  readonly stream: boolean
  readonly signal?: AbortSignal
}

/** Makes one call and reads its answer to the end. */
export type Ask = (url: string, pool: LlmPool, options: AskOptions) => Promise<unknown>

export const WAYS: Readonly<Record<'openai' | 'responses' | 'anthropic' | 'ai', Ask>> = {
  openai: async (url, pool, { stream, signal, ...options }) => {
    const answer = await openaiOf(url, pool, options).chat.completions.create({ ...HELLO, stream }, { signal })
    if (Symbol.asyncIterator in answer) for await (const chunk of answer) void chunk
  },
  responses: async (url, pool, { stream, signal, ...options }) => {
    const asked = { model: MODEL, input: 'hello', max_output_tokens: 1000, stream }
    const answer = await openaiOf(url, pool, options).responses.create(asked, { signal })
    if (Symbol.asyncIterator in answer) for await (const chunk of answer) void chunk
  },
  anthropic: async (url, pool, { stream, signal, ...options }) => {
    const answer = await anthropicOf(url, pool, options).messages.create({ ...HELLO, stream }, { signal })
    if (Symbol.asyncIterator in answer) for await (const chunk of answer) void chunk
  },
  ai: async (url, pool, { stream, signal, maxRetries }) => {
    const call = {
      model: aiOf(url, pool),
      prompt: 'hello there',
      maxOutputTokens: 1000,
      ...(signal !== undefined && { abortSignal: signal }),
      ...(maxRetries !== undefined && { maxRetries }),
    }
    if (!stream) return generateText(call)
    const errors: unknown[] = []
    const answer = streamText({ ...call, onError: ({ error }) => void errors.push(error) })
    for await (const part of answer.textStream) void part
    if (errors.length > 0) throw errors[0]
    return undefined
  },
}

/** How the pool's only model stands. */
export function standing(pool: LlmPool): ReturnType<LlmPool['status']>[number] {
  return pool.status()[0]!
}
