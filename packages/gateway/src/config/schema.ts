import { z } from 'zod'
import { choice, DEFAULTS, flag, optional, standard } from './fields.ts'
import { PRESET_NAMES, type PresetName } from './presets.ts'
import { cacheSection, degradationSection, type CacheConfig, type StepConfig } from './sections/degradation.ts'
import { lanesSection, type LanesConfig } from './sections/lanes.ts'
import { limitsSection, type LimitsConfig } from './sections/limits.ts'
import { listenSection, type ListenConfig } from './sections/listen.ts'
import { llmSection, type LlmConfig } from './sections/llm.ts'
import { redisSection, type RedisConfig } from './sections/redis.ts'
import { routesSection, type RouteConfig } from './sections/routes.ts'
import { tenantsSection, type TenantsConfig } from './sections/tenants.ts'
import { upstreamsSection, type UpstreamsConfig } from './sections/upstreams.ts'

/** A configuration file, read: defaults filled in, units gone (ms, bytes). Each section has a file of its own. */
export interface Config {
  readonly listen: ListenConfig
  readonly preset?: PresetName | undefined
  readonly dryRun: boolean
  readonly refusals: 'envelope' | 'problem'
  readonly upstreams?: UpstreamsConfig | undefined
  readonly routes?: readonly RouteConfig[] | undefined
  readonly limits?: LimitsConfig | undefined
  readonly lanes?: LanesConfig | undefined
  readonly tenants?: TenantsConfig | undefined
  readonly degradation?: readonly StepConfig[] | undefined
  readonly cache?: CacheConfig | undefined
  readonly redis?: RedisConfig | undefined
  readonly llm?: LlmConfig | undefined
}

/** What a configuration file may say. To add a section: a file in `sections/`, a line here, and one in {@link Config}. */
export const schema: z.ZodType<Config> = z
  .strictObject({
    listen: listenSection.prefault({}),
    preset: optional(choice(PRESET_NAMES), 'A set of limits (S3.2), for the limit called default.'),
    dryRun: standard(flag(), 'Decide and count, and let everybody in all the same.', false),
    refusals: standard(choice(['envelope', 'problem']), 'How refusals are written; problem is RFC 9457.', 'envelope'),
    upstreams: upstreamsSection.optional(),
    routes: routesSection.optional(),
    limits: limitsSection.optional(),
    lanes: lanesSection.optional(),
    tenants: tenantsSection.optional(),
    degradation: degradationSection.optional(),
    cache: cacheSection.optional(),
    redis: redisSection.optional(),
    llm: llmSection.optional(),
  })
  .meta({
    title: 'Sluice gateway',
    description: 'Configuration of `sluice run`. Texts may hold ${VARIABLE} and ${VARIABLE:-default}.',
  })

/** The same for editors and other tools: JSON Schema 2020-12. */
export function jsonSchema(): Readonly<Record<string, unknown>> {
  return z.toJSONSchema(schema, {
    io: 'input',
    override: ({ zodSchema, jsonSchema: target }) => {
      const otherwise = DEFAULTS.get(zodSchema)
      if (otherwise !== undefined) target.default = otherwise
    },
  })
}
