import { inWords, sizeInWords } from './fields.ts'
import type { GatewayPlan, RoutePlan } from './gateway-plan.ts'
import { admissionOf, type LimitPlan } from './limit-plan.ts'
import { describePlan } from './plan.ts'
import { masked } from './masked.ts'
import type { TlsConfig } from './sections/listen.ts'
import type { LlmConfig, LlmOverflowConfig } from './sections/llm.ts'
import type { UpstreamConfig } from './sections/upstreams.ts'

/** The plan in a few words, for the line that says what protects the upstream. */
export function describeGatewayPlan(plan: GatewayPlan): string {
  const { limits, routes, dryRun, llm } = plan
  const trial = dryRun ? ', on trial: nobody is refused' : ''
  if (llm !== undefined && Object.keys(limits).length === 0) return `${describeLlm(llm)}${trial}`
  if (routes.every(({ limits: passed }) => passed.length === 0)) return `${describePlan({ kind: 'off' })}${trial}`
  const names = Object.keys(limits)
  const more = names.length > 1 ? ` and ${names.length - 1} more limit${names.length > 2 ? 's' : ''}` : ''
  return `${limitInWords(limits['default'] ?? Object.values(limits)[0]!)}${more}${trial}`
}

function describeLlm({ dialect, limits, inflight }: LlmConfig): string {
  if (limits !== undefined) return `${dialect} paced for ${limits.map(({ model }) => model).join(', ')}`
  return `${dialect} in turns by tokens, ${inflight.tokens} tokens at once for each server`
}

/** Where requests go, in a few words. */
export function describeUpstreams({ upstreams }: GatewayPlan): string {
  const all = Object.entries(upstreams)
  const [only] = all
  if (all.length === 1 && only?.[1].servers.length === 1) return only[1].servers[0]!.url
  return all
    .map(([name, { servers }]) => `${name} (${servers.length} server${servers.length === 1 ? '' : 's'})`)
    .join(', ')
}

/** A limit in a few words. */
function limitInWords(limit: LimitPlan): string {
  const each = limit.by === 'tenant' ? ' for each tenant' : ''
  if (limit.kind === 'rate') {
    const { requests, per, burst, wait, fleet } = limit
    const patience = wait === 0 ? '' : `, may wait ${inWords(wait)}`
    return `${requests} in ${inWords(per)}, bursts of ${burst}${patience}${each}${fleetInWords(fleet)}`
  }
  const fleet = limit.kind === 'fixed' ? fleetInWords(limit.fleet) : ''
  const algorithm = limit.kind === 'adaptive' && limit.algorithm !== 'adaptive' ? ` (${limit.algorithm})` : ''
  return `${describePlan(admissionOf(limit))}${algorithm}${each}${fleet}`
}

function fleetInWords(fleet: { readonly onDown: string } | undefined): string {
  return fleet === undefined ? '' : `, everywhere together, ${fleet.onDown} without Redis`
}

/** Over what the lanes have their shares: a rate has none. */
function lanesOver(limit: LimitPlan): string {
  if (limit.kind === 'rate') return ''
  return limit.kind === 'fixed' && limit.fleet !== undefined ? 'lanes of all gateways' : 'lanes of this gateway'
}

type Row = readonly [subject: string, ...rest: string[]]

/** The plan as a table for people. */
export function tableOf(plan: GatewayPlan): string {
  const { listen, tenants, lanes, degradation, cache, redis } = plan
  const section = (title: string, rows: readonly Row[]): string =>
    rows.length === 0 ? '' : `${title}\n${aligned(rows)}\n`
  const trusted = listen.trustForwarded ? 'everybody' : listen.trustedProxies.join(', ') || 'nobody'
  const parts = [
    section('listen', [
      ['requests', `${listen.host}:${listen.port}`, ...spokenInWords(listen)],
      [
        'admin',
        `${listen.adminHost}:${listen.adminPort}`,
        listen.adminToken === undefined ? 'no control' : 'with a token',
      ],
      ['believed', trusted],
      ['bodies', paceInWords(listen.bodyPace)],
      ['drain', inWords(listen.drainTimeout)],
      ['readiness', ...readinessInWords(listen.readiness)],
    ]),
    section('routes', plan.routes.map(routeRow)),
    section(
      'limits',
      Object.entries(plan.limits).map(([name, limit]) => [
        name,
        limitInWords(limit),
        lanes === undefined ? '' : lanesOver(limit),
      ]),
    ),
    section(
      'upstreams',
      Object.entries(plan.upstreams).flatMap(([name, upstream]) => upstreamRows(name, upstream)),
    ),
    section(
      'lanes',
      lanes === undefined
        ? []
        : Object.entries(lanes.shares).map(([lane, share]) => [lane, `${share} %`, rulesFor(lanes, lane)]),
    ),
    section(
      'tenants',
      tenants === undefined
        ? []
        : [
            [
              `from ${tenants.from}`,
              tenants.required ? 'required' : 'by address where unknown',
              tenants.fair ? 'in turns' : '',
            ],
          ],
    ),
    section(
      'under pressure',
      degradation.map(({ step, above, until }) => [step, `above ${percent(above)}`, `until ${percent(until)}`]),
    ),
    section(
      'cache',
      cache === undefined
        ? []
        : [['answers', sizeInWords(cache.maxBytes), `of ${sizeInWords(cache.maxEntry)} at most`]],
    ),
    section('models', plan.llm === undefined ? [] : llmRows(plan.llm)),
    section('redis', redis === undefined ? [] : [[masked(redis.url), `lease ${inWords(redis.lease)}`]]),
  ]
  return `${parts.filter((part) => part !== '').join('\n')}${plan.dryRun ? '\non trial: everybody is let in\n' : ''}`
}

function spokenInWords({ tls, h2c }: GatewayPlan['listen']): readonly string[] {
  if (tls !== undefined) return [tlsInWords(tls)]
  return h2c ? ['http/1.1, and h2 from those who begin with it'] : []
}

function tlsInWords({ cert, minVersion }: TlsConfig): string {
  return `TLS (${minVersion} and later, h2 and http/1.1) with ${cert}`
}

function paceInWords({ bytes, over }: GatewayPlan['listen']['bodyPace']): string {
  return bytes === 0 ? 'as slow as they like' : `at least ${sizeInWords(bytes)} in ${inWords(over)}`
}

function readinessInWords(plan: GatewayPlan['listen']['readiness']): readonly string[] {
  if (plan === undefined) return ['whatever the load']
  const { above, until, sheddingAbove, sheddingFor, settle } = plan
  const pressed = `fails with processor or memory above ${percent(above)} until ${percent(until)}`
  const refusing = `more than ${percent(sheddingAbove)} refused for ${inWords(sheddingFor)}`
  return ['by load', `${pressed}, with ${refusing}; back after ${inWords(settle)}`]
}

function llmRows(llm: LlmConfig): readonly Row[] {
  const { dialect, queue, inflight, limits = [], retries, overflow, scope, onDown = 'share' } = llm
  const { max, bytes, tokens, maxWait } = queue
  const fleet = fleetInWords(scope === 'fleet' ? { onDown } : undefined)
  return [
    [dialect, `${max} may wait ${inWords(maxWait)}, ${sizeInWords(bytes)} and ${tokens} tokens together`],
    limits.length === 0
      ? ['servers', `${inflight.count} calls and ${inflight.tokens} tokens at once for each`]
      : ['paced', `${limits.map(({ model }) => model).join(', ')}${fleet}`],
    ['retries', retries.owner === 'client' ? 'by clients' : `here, ${retries.attempts} attempts`],
    ...(overflow === undefined ? [] : [overflowRow(overflow)]),
  ]
}

function overflowRow({ upstream, count, cached, batch }: LlmOverflowConfig): Row {
  const ways = [
    cached === undefined ? '' : `answers of the last ${inWords(cached)}`,
    upstream === undefined ? '' : `-> ${upstream}`,
    batch === undefined ? '' : `batch -> ${batch}`,
  ]
  const most = upstream === undefined && batch === undefined ? [] : [`${count} at once`]
  return ['overflow', ways.filter((way) => way !== '').join(', '), ...most]
}

function routeRow({ name, host, path, methods, upstream, limits, timeout, lane }: RoutePlan): Row {
  const which = `${methods?.join('|') ?? 'any'} ${host ?? '*'}${path ?? '/*'}`
  const past = limits.length === 0 ? 'past nothing' : `past ${limits.join(', ')}`
  const extras = [timeout === undefined ? '' : `within ${inWords(timeout)}`, lane === undefined ? '' : `lane ${lane}`]
  return [name, which, `-> ${upstream}`, [past, ...extras].filter((each) => each !== '').join(', ')]
}

function upstreamRows(
  name: string,
  { servers, health, breaker, timeouts, allowLinkLocal, http2 }: UpstreamConfig,
): readonly Row[] {
  const asked =
    health === undefined ? 'not asked for its health' : `asked for ${health.path} every ${inWords(health.every)}`
  const broken = breaker === undefined ? '' : `, breaker after ${breaker.failures} failures`
  const allowed = allowLinkLocal ? ', link-local addresses too' : ''
  const spoken = http2 ? ', over HTTP/2' : ''
  return servers.map(({ url, weight }, index): Row => {
    const rest = index > 0 ? '' : `${asked}${broken}, answers within ${inWords(timeouts.headers)}${spoken}${allowed}`
    return [index === 0 ? name : '', url, weight === 1 ? '' : `weight ${weight}`, rest]
  })
}

function rulesFor({ rules }: NonNullable<GatewayPlan['lanes']>, wanted: string): string {
  return rules
    .filter(({ lane }) => lane === wanted)
    .map(({ method, path, role, tenant }) =>
      [method, path, role && `role ${role}`, tenant && `tenant ${tenant}`].filter(Boolean).join(' '),
    )
    .join('; ')
}

function percent(level: number): string {
  return `${Math.round(level * 1000) / 10} %`
}

/** Columns as wide as their widest cell. */
function aligned(rows: readonly Row[]): string {
  const widths: number[] = []
  for (const row of rows) for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length)
  return rows.map((row) => `  ${row.map((cell, at) => cell.padEnd(widths[at]!)).join('  ')}`.trimEnd()).join('\n')
}
