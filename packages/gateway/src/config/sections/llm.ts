import { z } from 'zod'
import type { Millis } from 'sluice'
import { choice, count, duration, flag, NAME, optional, quantity, required, size, standard, text } from '../fields.ts'

/** Who may wait for a model server, and how long. */
export interface LlmQueueConfig {
  readonly max: number
  readonly bytes: number
  readonly tokens: number
  readonly maxWait: Millis
  readonly hold: Millis
  readonly reserve: number
}

/** How much one model server has in progress at once. */
export interface LlmInflightConfig {
  readonly tokens: number
  readonly count: number
  readonly reserve: 'predicted' | 'max'
  readonly adaptive: boolean
}

/** What becomes of a client that does not read. */
export interface LlmReaderConfig {
  readonly policy: 'wait' | 'disconnect'
  readonly bytes: number
  readonly stall: Millis
}

/** What a provider allows, for one model. */
export interface LlmLimitConfig {
  readonly provider?: 'openai' | 'azure' | 'anthropic' | 'gemini' | 'groq' | 'bedrock' | 'generic' | undefined
  readonly model: string
  readonly also?: readonly string[] | undefined
  readonly rpm?: number | undefined
  readonly rpd?: number | undefined
  readonly tpm?: number | undefined
  readonly tpd?: number | undefined
  readonly itpm?: number | undefined
  readonly otpm?: number | undefined
  readonly concurrency?: number | undefined
  readonly maxOutput?: number | undefined
}

/** Other ways to an answer for those who would wait too long. At least one. */
export interface LlmOverflowConfig {
  readonly upstream?: string | undefined
  readonly count: number
  readonly cached?: Millis | undefined
  readonly batch?: string | undefined
}

/** Language models behind the gateway. */
export interface LlmConfig {
  readonly dialect: 'openai' | 'anthropic'
  readonly upstream?: string | undefined
  readonly key?: string | undefined
  readonly maxBody: number
  readonly readTimeout: Millis
  readonly maxOutput: number
  readonly usage: 'pass' | 'inject'
  readonly queue: LlmQueueConfig
  readonly inflight: LlmInflightConfig
  readonly service: { readonly input: number; readonly output: number }
  readonly weights: Readonly<Record<string, number>>
  readonly slowReader: LlmReaderConfig
  readonly retries: { readonly owner: 'client' | 'gateway'; readonly attempts: number }
  readonly overflow?: LlmOverflowConfig | undefined
  readonly limits?: readonly LlmLimitConfig[] | undefined
  readonly scope: 'local' | 'fleet'
  readonly onDown?: 'share' | 'open' | 'closed' | undefined
}

const MOST = 1e12
const DAY = 86_400_000

const queue: z.ZodType<LlmQueueConfig> = z
  .strictObject({
    max: standard(count(0, 1_000_000), 'So many may wait, those included whose body is still coming.', 1000),
    bytes: standard(size(1024, 2 ** 36), 'So large all their bodies may be together.', '64MiB'),
    tokens: standard(count(1, MOST), 'So many tokens they may be together: prompts and expected answers.', 10_000_000),
    maxWait: standard(duration(0, DAY), 'The longest anybody waits.', '2m'),
    hold: standard(
      duration(0, DAY),
      'So long no head is sent, so that a refusal can be tried again. Then a stream begins with 200 and comments.',
      '15s',
    ),
    reserve: standard(quantity(0, 50), 'Percent of the service each lower band has under pressure of the higher.', 5),
  })
  .meta({ description: 'Who may wait for a model server.' })

const inflight: z.ZodType<LlmInflightConfig> = z
  .strictObject({
    tokens: standard(count(1, MOST), 'So many tokens a server has in progress at once: prompts and answers.', 500_000),
    count: standard(count(1, 1_000_000), 'So many requests.', 256),
    reserve: standard(
      choice(['predicted', 'max']),
      'What of an answer counts before it is there: what is expected, or all that was asked for.',
      'predicted',
    ),
    adaptive: standard(flag(), 'Find out by the time to the first token how many may wait for theirs.', true),
  })
  .meta({ description: 'How much each server is given at once.' })

const slowReader: z.ZodType<LlmReaderConfig> = z
  .strictObject({
    policy: standard(
      choice(['wait', 'disconnect']),
      'Slow the server down, and cancel after the time of stall; or cancel as soon as bytes are waiting.',
      'wait',
    ),
    bytes: standard(size(1024, 2 ** 30), 'So much may wait for a reader.', '128KiB'),
    stall: standard(duration(100, DAY), 'A reader that takes nothing for so long is cut off.', '30s'),
  })
  .meta({ description: 'What becomes of a client that does not read its stream.' })

const figure = (about: string): z.ZodType<number | undefined> => optional(quantity(1e-6, MOST), about)

const MODEL = text('a name of a model', (name) => name.length > 0 && name.length <= 256)

const limit: z.ZodType<LlmLimitConfig> = z.strictObject({
  provider: optional(
    choice(['openai', 'azure', 'anthropic', 'gemini', 'groq', 'bedrock', 'generic']),
    'Whose way of counting. Default: that of the dialect.',
  ),
  model: required(MODEL, 'The model.'),
  also: z.array(required(MODEL, 'A name.')).max(100).optional().meta({ description: 'Other names it goes by.' }),
  rpm: figure('Requests a minute.'),
  rpd: figure('Requests a day.'),
  tpm: figure('Tokens a minute.'),
  tpd: figure('Tokens a day.'),
  itpm: figure('Tokens of prompts a minute.'),
  otpm: figure('Tokens of answers a minute.'),
  concurrency: optional(count(1, 1_000_000), 'Requests at once.'),
  maxOutput: optional(
    count(1, MOST),
    'What a request may answer that does not say. Default: maxOutput of the section.',
  ),
})

export const llmSection: z.ZodType<LlmConfig> = z
  .strictObject({
    dialect: required(choice(['openai', 'anthropic']), 'What is spoken: openai (chat and Responses) or anthropic.'),
    upstream: optional(NAME, 'Which upstream serves the models. Default: the only one.'),
    key: optional(
      text('a key of 1 to 4096 signs without blanks', (key) => /^[\x21-\x7e]+$/.test(key)),
      'The key the servers see in place of the client’s, like ${OPENAI_API_KEY}. Default: the client’s own.',
    ),
    maxBody: standard(size(1024, 2 ** 28), 'A larger request is refused.', '1MiB'),
    readTimeout: standard(duration(100, DAY), 'For the body of a request to come.', '30s'),
    maxOutput: standard(count(1, MOST), 'The most tokens of an answer to a request that does not say.', 4096),
    usage: standard(
      choice(['pass', 'inject']),
      'Whether streams of OpenAI chat are asked for their usage where the client does not, and its chunk is left out again.',
      'pass',
    ),
    queue: queue.prefault({}),
    inflight: inflight.prefault({}),
    service: z
      .strictObject({
        input: standard(quantity(0, 1000), 'Of the prompt.', 1),
        output: standard(quantity(0, 1000), 'Of the answer.', 2),
      })
      .prefault({})
      .meta({ description: 'What a token counts in the order of tenants.' }),
    weights: z
      .record(z.string(), required(quantity(0.001, 1000), 'A weight.'))
      .default({})
      .meta({ description: 'How much a tenant counts among others. Default 1 for each.' }),
    slowReader: slowReader.prefault({}),
    retries: z
      .strictObject({
        owner: standard(
          choice(['client', 'gateway']),
          'Who tries again. With gateway, what it gives up on tells clients not to (x-should-retry: false).',
          'client',
        ),
        attempts: standard(count(1, 10), 'How often the gateway tries in all.', 3),
      })
      .prefault({})
      .meta({ description: 'The one owner of retries.' }),
    overflow: z
      .strictObject({
        upstream: optional(NAME, 'Where requests go that would wait too long.'),
        count: standard(count(1, 1_000_000), 'So many at once, there and to batch.', 16),
        cached: optional(
          duration(1000, DAY),
          'Answer them with what the same request of the same tenant was answered, if it is no older. Kept as cache says.',
        ),
        batch: optional(NAME, 'Where those go that say prefer: respond-async: an upstream that takes them for later.'),
      })
      .optional()
      .meta({
        description: 'Other ways, for requests that would not begin in time: cached, upstream, batch, in this order.',
      }),
    limits: z
      .array(limit)
      .min(1)
      .max(256)
      .optional()
      .meta({ description: 'What a provider allows, by model: then the gateway paces, and a 429 is waiting.' }),
    scope: standard(choice(['local', 'fleet']), 'Whether limits are shared by all gateways on redis.', 'local'),
    onDown: optional(
      choice(['share', 'open', 'closed']),
      'With scope: fleet: while Redis is gone, use this gateway’s part, let everybody in, or nobody. Default: share.',
    ),
  })
  .meta({ description: 'Language models behind the gateway.' })
