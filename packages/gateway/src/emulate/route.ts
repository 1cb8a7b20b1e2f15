import { anthropicMessages } from './dialects/anthropic-messages.ts'
import { bedrockConverse } from './dialects/bedrock-converse.ts'
import type { Dialect, PathFacts } from './dialects/dialect.ts'
import { gemini } from './dialects/gemini.ts'
import { openaiChat } from './dialects/openai-chat.ts'
import { openaiResponses } from './dialects/openai-responses.ts'

/** What a path is for. */
export interface Route {
  readonly dialect: Dialect
  readonly path: PathFacts
  /** Counts the prompt and no more: Anthropic's `count_tokens`. */
  readonly count?: true
}

const ROUTES: readonly { readonly pattern: RegExp; readonly dialect: Dialect; readonly count?: true }[] = [
  // Azure says the model in its path, as `deployments/NAME`.
  { pattern: /^(?:\/openai)?(?:\/deployments\/(?<model>[^/]+))?(?:\/v1)?\/chat\/completions$/, dialect: openaiChat },
  { pattern: /^(?:\/openai)?(?:\/v1)?\/responses$/, dialect: openaiResponses },
  { pattern: /^(?:\/v1)?\/messages$/, dialect: anthropicMessages },
  { pattern: /^(?:\/v1)?\/messages\/count_tokens$/, dialect: anthropicMessages, count: true },
  {
    pattern: /^\/v1(?:beta)?\/models\/(?<model>[^/]+):(?<way>generateContent|streamGenerateContent)$/,
    dialect: gemini,
  },
  { pattern: /^\/model\/(?<model>[^/]+)\/converse$/, dialect: bedrockConverse },
]

/** Which call a POST to a path is, if it is one. */
export function routeOf(path: string): Route | undefined {
  for (const { pattern, dialect, count } of ROUTES) {
    const match = pattern.exec(path)
    if (match === null) continue
    const { model, way } = match.groups ?? {}
    return {
      dialect,
      path: {
        ...(model !== undefined && { model: decoded(model) }),
        stream: way === 'streamGenerateContent',
        ...(count && { counts: true }),
      },
      ...(count && { count }),
    }
  }
  return undefined
}

/** A part of a path as it was meant; one that is badly encoded stays as it came. */
export function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
