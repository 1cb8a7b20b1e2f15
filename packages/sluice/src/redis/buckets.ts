import { createHash } from 'node:crypto'
import type {
  BucketsAccount,
  BucketsCoordinator,
  BucketsGrant,
  BucketsStatement,
  SharedBudget,
} from '../coordinate/index.ts'
import type { RedisPort } from './port.ts'
import { bucketTake } from './scripts/bucket-take.lua.ts'

/**
 * Buckets in Redis (7 or later) or Valkey: two keys a tenant, of one hash slot, which vanish a minute after the buckets
 * would be full. Names go into the keys as hashes only, and into the script not at all.
 */
export function redisBuckets(port: RedisPort): BucketsCoordinator {
  return { open: (budget, tenant, session) => new RedisAccount(port, keysOf(budget, tenant), budget, session) }
}

/** 128 bits of SHA-256: whoever chooses a tenant's name cannot choose whose buckets it meets. */
function keysOf({ name, buckets }: SharedBudget, tenant: string): readonly string[] {
  const whole = JSON.stringify([name, buckets.map((bucket) => bucket.name), tenant])
  const hash = createHash('sha256').update(whole).digest('hex').slice(0, 32)
  return [`sl1:{${hash}}:tb`, `sl1:{${hash}}:ts`]
}

class RedisAccount implements BucketsAccount {
  readonly #port: RedisPort
  readonly #keys: readonly string[]
  readonly #budget: SharedBudget
  readonly #session: string

  constructor(port: RedisPort, keys: readonly string[], budget: SharedBudget, session: string) {
    this.#port = port
    this.#keys = keys
    this.#budget = budget
    this.#session = session
  }

  async state({ turn, known, claim, keep, need, want }: BucketsStatement): Promise<BucketsGrant> {
    const args: (string | number)[] = [this.#session, turn, known ? 1 : 0]
    this.#budget.buckets.forEach(({ interval, capacity }, at) =>
      args.push(interval, capacity, claim[at]!, keep[at]!, need[at]!, want[at]!),
    )
    const answer = await this.#port.run(bucketTake, this.#keys, args)
    const numbers = String(answer).split(' ').map(Number)
    const [granted, retryAfter, sessions] = numbers as [number, number, number]
    const level = this.#budget.buckets.map((_, at) => numbers[3 + at * 2]!)
    const available = this.#budget.buckets.map((_, at) => numbers[4 + at * 2]!)
    return { granted: granted === 1, retryAfter, sessions, level, available }
  }
}
