import { redisScript } from '../client-script.ts'
import type { RedisScript } from '../port.ts'

/**
 * Tells all processes of a budget that a tenant has urgent news. A script, for a port has no other way to publish; by
 * itself, for the channel is of another hash slot than the tenant.
 *
 * KEYS 1 channel `sl1:{…}:tn` of the budget
 * ARGV 1 `<hash of the tenant> <session>` that has said something urgent; or `turn <hash of the tenant> <session>`, whose
 *      turn it is sooner than it knows
 * Returns how many heard it.
 */
const SOURCE = `return redis.call('SPUBLISH', KEYS[1], ARGV[1])`

/** See {@link SOURCE}. */
export const bucketsNotice: RedisScript = redisScript('buckets-notice', SOURCE)
