import { z } from 'zod'
import type { Millis } from 'sluice'
import { choice, duration, optional, quantity, required, size, standard } from '../fields.ts'

/** One thing that is given up under pressure. */
export interface StepConfig {
  readonly step: 'read-only' | 'cached-only'
  readonly above?: number | undefined
  readonly until?: number | undefined
}

/** Answers kept for when only they are served. */
export interface CacheConfig {
  readonly maxBytes: number
  readonly maxEntry: number
  readonly assume: Millis
  readonly stale: Millis
}

/** Default `above` of each step, in percent (S3.12). */
export const STEP_LEVELS: Readonly<Record<StepConfig['step'], number>> = { 'read-only': 90, 'cached-only': 95 }

const PERCENT = quantity(0, 1000)
const DAY = 86_400_000

const step: z.ZodType<StepConfig> = z.strictObject({
  step: required(
    choice(['read-only', 'cached-only']),
    'read-only refuses all but GET and HEAD; cached-only refuses all that the cache cannot answer.',
  ),
  above: optional(PERCENT, 'In force above so many percent of the limit, in progress and waiting. Default 90 and 95.'),
  until: optional(PERCENT, 'Lifted at so many percent. Default: 10 below.'),
})

export const degradationSection: z.ZodType<readonly StepConfig[]> = z
  .array(step)
  .max(8)
  .meta({ description: 'What is given up step by step under pressure (S3.12), mildest first. Default: nothing.' })

export const cacheSection: z.ZodType<CacheConfig> = z
  .strictObject({
    maxBytes: standard(size(0, 2 ** 36), 'All answers together.', '64MiB'),
    maxEntry: standard(size(1, 2 ** 30), 'A larger answer is not kept.', '1MiB'),
    assume: standard(
      duration(0, DAY),
      'How long an answer that says nothing about it is fresh. 0s: only what says so is kept.',
      '0s',
    ),
    stale: standard(
      duration(0, DAY),
      'How long beyond its freshness an answer is still good enough under pressure.',
      '60s',
    ),
  })
  .meta({ description: 'The response cache of the step cached-only. Answers are served from it under pressure only.' })
