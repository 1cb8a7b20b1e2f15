// Compiled, not run: the wrapper fits the clients of the real package, and gives back what it was given.
import OpenAI, { AzureOpenAI } from 'openai'
import { llmPool, provider, wrapOpenai } from 'sluice/llm'

const pool = llmPool({ limits: [provider.openai({ model: 'gpt-x', rpm: 500, tpm: 30_000 })] })

export const wrapped: OpenAI = wrapOpenai(new OpenAI({ apiKey: 'any' }), pool)
export const azure: AzureOpenAI = wrapOpenai(new AzureOpenAI({ apiKey: 'any', apiVersion: 'any' }), pool)
export const shorter: OpenAI = wrapped.withOptions({ timeout: 1000 })

// @ts-expect-error no client
wrapOpenai({ chat: {} }, pool)
// @ts-expect-error no such option
wrapOpenai(wrapped, pool, { unknown: 'wait' })
