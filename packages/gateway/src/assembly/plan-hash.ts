import { createHash } from 'node:crypto'
import type { GatewayPlan } from '../config/index.ts'

/** The first ten digits of the hash of a plan: equal plans, equal hashes. */
export function planHash(plan: GatewayPlan): string {
  return createHash('sha256').update(JSON.stringify(plan)).digest('hex').slice(0, 10)
}
