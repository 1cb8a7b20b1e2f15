import type { LlmUsage } from '../request.ts'
import { countOf, objectOf, type JsonObject } from './json-field.ts'

/** What an answer used, in one set of names for every dialect. What is not told is not there. */
export interface Usage extends LlmUsage {
  /** Of `output`: thought and not said. */
  readonly reasoning?: number | undefined
  /** All of it as the provider adds it up. */
  readonly total?: number | undefined
}

/**
 * What `usage` (OpenAI, Anthropic, Bedrock), `x_groq.usage` (Groq, at the end of each stream) or `usageMetadata` (Gemini) of
 * an answer or of an event of a stream says.
 * `input` is the whole prompt everywhere: Anthropic's and Bedrock's figures leave out what came from the cache and what
 * went into it, which is added here.
 */
export function usageOf(answer: unknown): Usage | undefined {
  const top = objectOf(answer)
  if (top === undefined) return undefined
  const told =
    objectOf(top['usage']) ??
    objectOf(objectOf(top['message'])?.['usage']) ??
    objectOf(objectOf(top['response'])?.['usage']) ??
    objectOf(objectOf(top['x_groq'])?.['usage'])
  if (told !== undefined) return usageIn(told)
  const metadata = objectOf(top['usageMetadata'])
  return metadata === undefined ? undefined : geminiUsage(metadata)
}

/** The same of the object by itself. */
export function usageIn(told: JsonObject): Usage | undefined {
  if (told['promptTokenCount'] !== undefined || told['candidatesTokenCount'] !== undefined) return geminiUsage(told)
  const apart = told['prompt_tokens'] === undefined && told['input_tokens_details'] === undefined
  const details = objectOf(told['prompt_tokens_details']) ?? objectOf(told['input_tokens_details'])
  const outputDetails = objectOf(told['completion_tokens_details']) ?? objectOf(told['output_tokens_details'])
  const cacheRead =
    countOf(details?.['cached_tokens']) ??
    countOf(told['cache_read_input_tokens']) ??
    countOf(told['cacheReadInputTokens'])
  const cacheWrite =
    countOf(told['cache_creation_input_tokens']) ??
    countOf(told['cacheWriteInputTokens']) ??
    countOf(details?.['cache_write_tokens'])
  let input = countOf(told['prompt_tokens']) ?? countOf(told['input_tokens']) ?? countOf(told['inputTokens'])
  if (apart && input !== undefined) input += (cacheRead ?? 0) + (cacheWrite ?? 0)
  return usageWith({
    input,
    output: countOf(told['completion_tokens']) ?? countOf(told['output_tokens']) ?? countOf(told['outputTokens']),
    cacheRead,
    cacheWrite,
    reasoning: countOf(outputDetails?.['reasoning_tokens']) ?? countOf(outputDetails?.['thinking_tokens']),
    total: countOf(told['total_tokens']) ?? countOf(told['totalTokens']),
  })
}

/** Thoughts are told beside what was said and count as output; the prompt includes what came from the cache. */
function geminiUsage(told: JsonObject): Usage | undefined {
  const said = countOf(told['candidatesTokenCount'])
  const reasoning = countOf(told['thoughtsTokenCount'])
  return usageWith({
    input: countOf(told['promptTokenCount']),
    output: said === undefined ? reasoning : said + (reasoning ?? 0),
    cacheRead: countOf(told['cachedContentTokenCount']),
    cacheWrite: undefined,
    reasoning,
    total: countOf(told['totalTokenCount']),
  })
}

/** Without the figures that are not known; undefined where none is. */
function usageWith(figures: Readonly<Record<keyof Usage, number | undefined>>): Usage | undefined {
  let known: Record<string, number> | undefined
  for (const name in figures) {
    const figure = figures[name as keyof Usage]
    if (figure !== undefined) (known ??= {})[name] = figure
  }
  return known
}

/** What a later event of a stream tells replaces what an earlier one did, figure by figure: they are running totals. */
export function laterUsage(earlier: Usage | undefined, later: Usage | undefined): Usage | undefined {
  if (earlier === undefined || later === undefined) return later ?? earlier
  const input = later.input === undefined ? earlier.input : Math.max(later.input, earlier.input ?? 0)
  return { ...earlier, ...later, ...(input === undefined ? {} : { input }) }
}
