import { ANTHROPIC_MEDIA, OPENAI_MEDIA } from '../estimator-media.ts'
import type { TokenMeasure } from '../estimator-measure.ts'
import type { Dialect } from './dialect.ts'
import { countOf, listOf, objectOf, textOf, type JsonObject } from './json-field.ts'
import { Prompt } from './prompt.ts'

/** What the body of a request asks of a model. */
export interface LlmAsked {
  /** At most 256 characters of it, for it comes from outside and may be kept. Undefined where the path names it. */
  readonly model: string | undefined
  readonly stream: boolean
  /** Whether the stream will tell its usage: OpenAI's chat does only when `stream_options.include_usage` asks for it. */
  readonly usageInStream: boolean
  /** The prompt, for `estimator.tokens(asked.measure, asked.model)` now and `estimator.learn` when the usage is known. */
  readonly measure: TokenMeasure
  /** The most tokens of all answers together: 0 where vectors are asked for. Undefined where nothing bounds them. */
  readonly maxOutput: number | undefined
  /** How many answers are made: the larger of `n` and `best_of`. */
  readonly answers: number
  readonly messages: number
  readonly tools: number
  readonly images: number
  /** The provider knows more of the prompt than stands here: `previous_response_id`, `conversation`, a file by its id. */
  readonly more: boolean
  /** Who the request says it is for, where options ask for it. */
  readonly hint: string | undefined
}

export interface AskedOptions {
  /**
   * Whether to read `user`, `safety_identifier`, `metadata.user_id`. Whoever sends the request can write anything there,
   * so fairness that goes by it can be had by lying. Default: false.
   */
  readonly hints?: boolean
}

const LONGEST_NAME = 256
/** Every name of a bound on the output. Where a request has several the highest counts: the provider picks one of them. */
const BOUNDS = [
  'max_tokens',
  'max_completion_tokens',
  'max_output_tokens',
  'max_tokens_to_sample',
  'max_gen_len',
  'maxOutputTokens',
  'maxTokens',
] as const
/** Where a prompt may stand, in any dialect. */
const PROMPTS = [
  'messages',
  'input',
  'instructions',
  'system',
  'contents',
  'systemInstruction',
  'system_instruction',
  'prompt',
  'suffix',
] as const
const SCHEMAS = ['tools', 'functions', 'toolConfig', 'response_format', 'text', 'output_config'] as const
const CHATS = ['messages', 'input', 'contents'] as const
const REFERENCES = ['previous_response_id', 'conversation', 'cachedContent'] as const

/**
 * Reads what a request asks for. Linear in its size, nothing is concatenated or kept of the texts, and whatever does not
 * fit is as if it were not there: to refuse it is the provider's.
 */
export function readAsked(dialect: Dialect, body: unknown, options: AskedOptions = {}): LlmAsked {
  const asked: JsonObject = objectOf(body) ?? {}
  const prompt = new Prompt(dialect === 'anthropic-messages' ? ANTHROPIC_MEDIA : OPENAI_MEDIA)
  for (const field of PROMPTS) prompt.add(asked[field])
  for (const field of SCHEMAS) prompt.addSchema(asked[field])
  const messages = CHATS.reduce((sum, field) => sum + listOf(asked[field]).length, 0)
  const tools = listOf(asked['tools']).length + listOf(asked['functions']).length
  const answers = answersOf(asked)
  const bound = boundOf(asked)
  const stream = asked['stream'] === true
  return {
    model: nameOf(asked['model']),
    stream,
    usageInStream:
      stream && (dialect !== 'openai-chat' || objectOf(asked['stream_options'])?.['include_usage'] === true),
    measure: prompt.measure().request().messages(Math.max(1, messages)).tools(tools),
    maxOutput: dialect === 'generic' && embeds(asked) ? 0 : bound === undefined ? undefined : bound * answers,
    answers,
    messages,
    tools,
    images: prompt.images,
    more: prompt.more || REFERENCES.some((field) => asked[field] !== undefined && asked[field] !== null),
    hint: options.hints === true ? hintOf(asked) : undefined,
  }
}

function nameOf(value: unknown): string | undefined {
  const name = textOf(value)
  return name === undefined || name === '' ? undefined : name.slice(0, LONGEST_NAME)
}

function answersOf(asked: JsonObject): number {
  const wanted = [asked['n'], asked['best_of'], objectOf(asked['generationConfig'])?.['candidateCount']]
  return Math.max(1, ...wanted.map((count) => Math.floor(countOf(count) ?? 1)))
}

/** What embeddings are made of stands in `input`; whatever generates says it elsewhere, but for OpenAI's Responses. */
function embeds(asked: JsonObject): boolean {
  return asked['input'] !== undefined && PROMPTS.every((field) => field === 'input' || asked[field] === undefined)
}

function boundOf(asked: JsonObject): number | undefined {
  let most: number | undefined
  for (const place of [asked, objectOf(asked['generationConfig']), objectOf(asked['inferenceConfig'])])
    for (const name of BOUNDS) {
      const bound = countOf(place?.[name])
      if (bound !== undefined && bound > (most ?? -1)) most = bound
    }
  return most
}

function hintOf(asked: JsonObject): string | undefined {
  return nameOf(asked['safety_identifier']) ?? nameOf(asked['user']) ?? nameOf(objectOf(asked['metadata'])?.['user_id'])
}
