// Compiled, not run: the wrapper and the middleware fit the client of the real package.
import Anthropic, { type ClientOptions } from '@anthropic-ai/sdk'
import { anthropicMiddleware, llmPool, provider, wrapAnthropic } from 'sluice/llm'

const pool = llmPool({ limits: [provider.anthropic({ model: 'claude-y', rpm: 500, itpm: 30_000 })] })

export const wrapped: Anthropic = wrapAnthropic(new Anthropic({ apiKey: 'any' }), pool)
export const shorter: Anthropic = wrapped.withOptions({ timeout: 1000 })
export const options: ClientOptions = { middleware: [anthropicMiddleware(pool, { attempts: 1 })] }

// @ts-expect-error no client
wrapAnthropic({ messages: {} }, pool)
// @ts-expect-error not a number
anthropicMiddleware(pool, { attempts: 'often' })
