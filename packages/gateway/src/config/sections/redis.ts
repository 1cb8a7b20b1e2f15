import { z } from 'zod'
import type { Millis } from 'sluice'
import { duration, required, standard, text, type Kind } from '../fields.ts'

/** Where limits of scope fleet are kept. */
export interface RedisConfig {
  readonly url: string
  readonly prefix: string
  readonly lease: Millis
}

/** Also of `--redis` and `SLUICE_REDIS_URL`. */
export const REDIS_URL: Kind<string> = text(
  'a URL like redis://127.0.0.1:6379 or rediss://user:secret@host:6380/0',
  (value) => {
    if (!URL.canParse(value)) return false
    const { protocol, hostname } = new URL(value)
    return (protocol === 'redis:' || protocol === 'rediss:') && hostname !== ''
  },
)

export const redisSection: z.ZodType<RedisConfig> = z
  .strictObject({
    url: required(REDIS_URL, 'Redis 7 or later, or Valkey.'),
    prefix: standard(
      text('a text of 1 to 100 signs', (value) => value.length >= 1 && value.length <= 100),
      'Gateways with the same prefix share limits of the same name.',
      'sluice',
    ),
    lease: standard(duration(200, 60_000), 'How long an instance that is not heard of keeps its slots.', '2s'),
  })
  .meta({ description: 'Where limits of scope fleet are kept.' })
