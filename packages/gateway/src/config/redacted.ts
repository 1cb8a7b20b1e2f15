import type { GatewayPlan } from './gateway-plan.ts'
import { masked } from './masked.ts'

const SECRET = '***'

/** The plan as it may be shown: without tokens, keys and passwords. */
export function redacted(plan: GatewayPlan): GatewayPlan {
  const { listen, tenants, redis, llm } = plan
  return {
    ...plan,
    listen: { ...listen, ...(listen.adminToken !== undefined && { adminToken: SECRET }) },
    ...(tenants !== undefined && { tenants: withoutSecrets(tenants) }),
    ...(llm?.key !== undefined && { llm: { ...llm, key: SECRET } }),
    ...(redis !== undefined && { redis: { ...redis, url: masked(redis.url) } }),
  }
}

function withoutSecrets(tenants: NonNullable<GatewayPlan['tenants']>): NonNullable<GatewayPlan['tenants']> {
  const salted = { ...tenants, ...(tenants.salt !== undefined && { salt: SECRET }) }
  if (salted.from === 'jwt') {
    const { secret, jwks } = salted
    return {
      ...salted,
      ...(secret !== undefined && { secret: SECRET }),
      ...(jwks !== undefined && { jwks: masked(jwks) }),
    }
  }
  if (salted.from !== 'api-key') return salted
  const keys = Object.entries(salted.keys).map(([name, entry]) => [name, { ...entry, key: SECRET }] as const)
  return { ...salted, keys: Object.fromEntries(keys) }
}
