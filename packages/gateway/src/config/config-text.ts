import { stringify } from 'yaml'
import type { GatewayPlan, StepPlan } from './gateway-plan.ts'
import type { LimitPlan } from './limit-plan.ts'
import { masked } from './masked.ts'
import { schema, type Config } from './schema.ts'
import type { LimitConfig } from './sections/limits.ts'
import type { TenantsConfig } from './sections/tenants.ts'
import { written } from './written.ts'

/**
 * A plan as a file that makes the same plan, in YAML: what flags and the environment have said is in it, what is a default is
 * not. In the place of secrets stand variables of the environment.
 */
export function configText(plan: GatewayPlan): string {
  const head = plan.listen.trustForwarded ? '# Started with --trust-forwarded, which no file can say.\n' : ''
  // What begins a variable in a file is none in a plan.
  const plain = JSON.parse(JSON.stringify(plan).replaceAll('${', () => '$${')) as GatewayPlan
  return `${head}${stringify(written(schema, configOfPlan(plain)), { lineWidth: 0 })}`
}

/** The same as data: with the words and the units of a file that was read. */
function configOfPlan({ listen, limits, degradation, tenants, redis, llm, ...rest }: GatewayPlan): Config {
  const { trustForwarded: _, adminToken, readiness, ...ports } = listen
  return {
    ...rest,
    listen: {
      ...ports,
      adminToken: variableFor(adminToken, 'SLUICE_ADMIN_TOKEN'),
      readiness: readiness && {
        ...readiness,
        above: percent(readiness.above),
        until: percent(readiness.until),
        sheddingAbove: percent(readiness.sheddingAbove),
      },
    },
    // Without any the others would be given the default one.
    limits: Object.keys(limits).length === 0 ? undefined : mapped(limits, limitOf),
    degradation: degradation.length === 0 ? undefined : degradation.map(stepOf),
    tenants: tenants && tenantsOf(tenants),
    redis: redis && { ...redis, url: masked(redis.url) === redis.url ? redis.url : '${SLUICE_REDIS_URL}' },
    llm: llm && { ...llm, key: variableFor(llm.key, 'SLUICE_LLM_KEY') },
  }
}

function limitOf(plan: LimitPlan): LimitConfig {
  if (plan.kind === 'adaptive') {
    const { threshold: rejectThreshold, ...rest } = plan
    return { ...rest, rejectThreshold }
  }
  const { fleet, ...own } = plan
  const shared = { scope: fleet === undefined ? ('local' as const) : ('fleet' as const), onDown: fleet?.onDown }
  if (own.kind === 'rate') return { ...own, ...shared }
  const { permits: limit, threshold: rejectThreshold, ...rest } = own
  const { order = 'share', queue: fleetQueue, instances = 0 } = fleet ?? {}
  return { ...rest, ...shared, limit, rejectThreshold, order, fleetQueue, instances }
}

function stepOf({ step, above, until }: StepPlan): NonNullable<Config['degradation']>[number] {
  return { step, above: percent(above), until: percent(until) }
}

function tenantsOf(tenants: TenantsConfig): TenantsConfig {
  const salted = { ...tenants, salt: variableFor(tenants.salt, 'SLUICE_TENANT_SALT') }
  if (salted.from === 'api-key') {
    const keyOf = (name: string): string => `\${SLUICE_KEY_${name.toUpperCase().replaceAll('-', '_')}}`
    return { ...salted, keys: mapped(salted.keys, (entry, name) => ({ ...entry, key: keyOf(name) })) }
  }
  if (salted.from !== 'jwt') return salted
  const { secret, jwks } = salted
  const hidden = jwks !== undefined && masked(jwks) !== jwks
  return { ...salted, secret: variableFor(secret, 'SLUICE_JWT_SECRET'), jwks: hidden ? '${SLUICE_JWKS}' : jwks }
}

/** Secrets are no matter of a file. */
function variableFor(secret: string | undefined, name: string): string | undefined {
  return secret === undefined ? undefined : `\${${name}}`
}

function mapped<T, U>(
  all: Readonly<Record<string, T>>,
  of: (value: T, name: string) => U,
): Readonly<Record<string, U>> {
  return Object.fromEntries(Object.entries(all).map(([name, value]) => [name, of(value, name)]))
}

function percent(share: number): number {
  return Math.round(share * 1e8) / 1e6
}
