// Compiled, not run: the middleware fits the real package.
import { createOpenAI } from '@ai-sdk/openai'
import { wrapLanguageModel, type LanguageModelMiddleware } from 'ai'
import { aiMiddleware } from 'sluice/ai'
import { llmPool, provider } from 'sluice/llm'

const pool = llmPool({ limits: [provider.openai({ model: 'gpt-x', rpm: 500, tpm: 30_000 })] })

export const middleware: LanguageModelMiddleware = aiMiddleware(pool)
export const model: ReturnType<typeof wrapLanguageModel> = wrapLanguageModel({
  model: createOpenAI({ apiKey: 'any' })('gpt-x'),
  middleware: aiMiddleware(pool, { unknown: 'pass' }),
})

// @ts-expect-error no such option
aiMiddleware(pool, { attempts: 2 })
