import { z } from 'zod'
import type { Millis } from 'sluice'
import { choice, count, duration, NAME, optional, required, standard } from '../fields.ts'

/** Who may wait and how long. */
export interface QueueConfig {
  readonly capacity?: number | undefined
  readonly maxWait?: Millis | undefined
}

/** What every limit has that can be shared. */
interface Shared {
  readonly by: 'all' | 'tenant'
  readonly scope: 'local' | 'fleet'
  readonly onDown?: 'share' | 'open' | 'closed' | undefined
}

export interface AdaptiveLimitConfig {
  readonly kind: 'adaptive'
  readonly algorithm: 'adaptive' | 'aimd' | 'vegas' | 'gradient2'
  readonly min?: number | undefined
  readonly max?: number | undefined
  readonly initial?: number | undefined
  readonly queue?: QueueConfig | undefined
  readonly rejectThreshold?: number | undefined
  readonly by: 'all' | 'tenant'
}

export interface FixedLimitConfig extends Shared {
  readonly kind: 'fixed'
  readonly limit: number
  readonly queue?: QueueConfig | undefined
  readonly rejectThreshold?: number | undefined
  readonly order: 'share' | 'strict'
  readonly fleetQueue?: number | undefined
  readonly instances: number
}

export interface RateLimitConfig extends Shared {
  readonly kind: 'rate'
  readonly requests: number
  readonly per: Millis
  readonly burst?: number | undefined
  readonly wait: Millis
}

export type LimitConfig = AdaptiveLimitConfig | FixedLimitConfig | RateLimitConfig

export type LimitsConfig = Readonly<Record<string, LimitConfig>>

const MOST = 1_000_000
const DAY = 86_400_000

const queue: z.ZodType<QueueConfig> = z
  .strictObject({
    capacity: optional(count(0, MOST), 'How many may wait. Default 1000.'),
    maxWait: optional(
      duration(0, DAY),
      'The longest anybody waits. Default 1s before an adaptive limit, 3s before a fixed one.',
    ),
  })
  .meta({ description: 'Who may wait.' })

const by = standard(choice(['all', 'tenant']), 'One limit for all together, or one for each tenant.', 'all')

const shared = {
  by,
  scope: standard(choice(['local', 'fleet']), 'Of this process, or shared by all instances through Redis.', 'local'),
  onDown: optional(
    choice(['share', 'open', 'closed']),
    'With scope: fleet, and required there: while Redis is gone, use this instance’s part, let everybody in, or nobody.',
  ),
}

const rejectThreshold = optional(
  count(1, MOST),
  'In progress and waiting together, at which everybody is refused with SYSTEM_OVERLOAD. Default: none.',
)

const adaptive = z.strictObject({
  kind: z.literal('adaptive').meta({ description: 'A limit that finds itself.' }),
  algorithm: standard(choice(['adaptive', 'aimd', 'vegas', 'gradient2']), 'What finds it.', 'adaptive'),
  min: optional(count(1, MOST), 'The lowest limit. Default: the algorithm’s.'),
  max: optional(count(1, MOST), 'The highest limit. Default: the algorithm’s (1000).'),
  initial: optional(count(1, MOST), 'The first limit. Default: the algorithm’s (20 for adaptive).'),
  queue: queue.optional(),
  rejectThreshold,
  by,
})

const fixed = z.strictObject({
  kind: z.literal('fixed').meta({ description: 'So many at once.' }),
  limit: required(count(1, MOST), 'How many may be in progress at once: here, or everywhere together.'),
  queue: queue.optional(),
  rejectThreshold,
  ...shared,
  order: standard(
    choice(['share', 'strict']),
    'Fleet only: within a class the instance that has least is next, or whoever has waited longest anywhere; that not with lanes.',
    'share',
  ),
  fleetQueue: optional(count(1, MOST), 'Fleet only: how many may wait everywhere together. Default: any number.'),
  instances: standard(count(0, 10_000), 'Fleet only: what onDown: share counts on before it has heard of any.', 0),
})

const rate = z.strictObject({
  kind: z.literal('rate').meta({ description: 'A token bucket: so many in a time.' }),
  requests: required(count(1, MOST), 'How many in the time of per.'),
  per: standard(duration(1, DAY), 'The time.', '1s'),
  burst: optional(count(1, MOST), 'How many at once after a pause. Default: requests.'),
  wait: standard(
    duration(0, 600_000),
    'How long a request may wait for its turn; 0s refuses it with 429 at once.',
    '0s',
  ),
  ...shared,
})

const limit: z.ZodType<LimitConfig> = z.discriminatedUnion('kind', [adaptive, fixed, rate])

export const limitsSection: z.ZodType<LimitsConfig> = z
  .record(required(NAME, 'A name.') as z.ZodType<string, string>, limit)
  .meta({
    description:
      'Limits by name; routes say which they pass, outermost first. The one called default is what flags, environment and presets change, and what routes pass that name none.',
  })
