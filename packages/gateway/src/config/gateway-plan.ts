import type { Millis } from 'sluice'
import type { Lane } from 'sluice/http'
import { crossCheck } from './cross-check.ts'
import { environmentGatewaySettings, type GatewaySettings } from './gateway-settings.ts'
import { limitOfAdmission, limitPlan, type FleetPlan, type LimitPlan } from './limit-plan.ts'
import { plan, type Plan } from './plan.ts'
import { ConfigProblems, type Problem } from './problem.ts'
import { configOf, type ConfigFile, type Environment } from './read-config.ts'
import type { Config } from './schema.ts'
import { STEP_LEVELS, type CacheConfig, type StepConfig } from './sections/degradation.ts'
import { llmSection, type LlmConfig } from './sections/llm.ts'
import type { LanesConfig } from './sections/lanes.ts'
import { MIN_VERSION, type ListenConfig, type ReadinessConfig, type TlsConfig } from './sections/listen.ts'
import type { RedisConfig } from './sections/redis.ts'
import type { TenantsConfig } from './sections/tenants.ts'
import type { UpstreamConfig } from './sections/upstreams.ts'
import { environmentSettings, type Settings } from './settings.ts'

/** A route with every default filled in. */
export interface RoutePlan {
  readonly name: string
  readonly host?: string | undefined
  readonly path?: string | undefined
  readonly methods?: readonly string[] | undefined
  readonly upstream: string
  readonly limits: readonly string[]
  readonly timeout?: Millis | undefined
  readonly deadline?: Millis | undefined
  readonly lane?: Lane | undefined
  readonly websocket?: 'hold' | 'handshake' | undefined
}

/** A step of degradation; levels as the pressure of a gate has them, 1 being full. */
export interface StepPlan {
  readonly step: StepConfig['step']
  readonly above: number
  readonly until: number
}

/** When load makes unready; levels and shares from 0 to 1. */
export type ReadinessPlan = Readonly<Record<keyof ReadinessConfig, number>>

/** What a gateway does, with every default filled in and every name resolved. Plain data. */
export interface GatewayPlan {
  readonly listen: Omit<ListenConfig, 'readiness'> & {
    readonly trustForwarded: boolean
    /** Default: load is not looked at. */
    readonly readiness?: ReadinessPlan | undefined
  }
  readonly dryRun: boolean
  readonly refusals: 'envelope' | 'problem'
  readonly upstreams: Readonly<Record<string, UpstreamConfig>>
  readonly limits: Readonly<Record<string, LimitPlan>>
  readonly routes: readonly RoutePlan[]
  readonly lanes?: LanesConfig | undefined
  readonly tenants?: TenantsConfig | undefined
  readonly degradation: readonly StepPlan[]
  readonly cache?: CacheConfig | undefined
  readonly redis?: RedisConfig | undefined
  readonly llm?: LlmConfig | undefined
}

/** What a plan is made of, strongest first. */
export interface GatewayPlanSources {
  readonly flags?: GatewaySettings
  readonly environment?: Environment
  readonly file?: ConfigFile | undefined
}

/** The lanes of the preset `production` (S3.2): critical 30, normal 60, bulk 10, in the words of S3.6. */
const PRODUCTION_LANES: LanesConfig = { shares: { critical: 0, high: 30, normal: 60, low: 10 }, rules: [] }

/** Where only routes say how much their requests matter (S3.6). */
const LANES: LanesConfig = { shares: { critical: 10, high: 40, normal: 40, low: 10 }, rules: [] }

const CACHE: CacheConfig = { maxBytes: 64 * 1024 ** 2, maxEntry: 1024 ** 2, assume: 0, stale: 60_000 }

/**
 * Decides what to do from all that was said. Pure.
 * @throws ConfigProblems with all that does not fit together; ConfigError for a bad variable
 */
export function gatewayPlan({ flags = {}, environment = {}, file }: GatewayPlanSources): GatewayPlan {
  const source = file ?? configOf('', '', {})
  const { config } = source
  const said: GatewaySettings = { ...environmentGatewaySettings(environment), ...flags }
  const problems: Problem[] = []
  const llm = llmOf(config, said)
  if (said.llmUsage !== undefined && llm === undefined)
    problems.push({ place: '', field: '--llm-usage', got: said.llmUsage, expected: '--llm or a section llm beside it' })
  // Models are behind a queue of their own: other limits are there where somebody asks for them.
  const isBare = llm !== undefined && config.limits === undefined && !asksForLimit({ config, said, environment })
  const limits = isBare ? undefined : limitsOf(config, said, { flags, environment }, problems)
  const upstreams = upstreamsOf(config, said, problems)
  const preset = said.preset ?? config.preset
  const made: GatewayPlan = {
    listen: listenOf(config, said, problems),
    dryRun: said.dryRun ?? config.dryRun,
    refusals: config.refusals,
    upstreams,
    limits: limits ?? {},
    routes: routesOf(config, upstreamsFor(Object.keys(upstreams), llm), limits === undefined),
    lanes: config.lanes ?? (preset === 'production' ? PRODUCTION_LANES : hasLanes(config) ? LANES : undefined),
    tenants: config.tenants,
    degradation: limits === undefined ? [] : (config.degradation ?? []).map(stepOf),
    cache: config.cache ?? (isCached(config, llm) ? CACHE : undefined),
    redis: redisOf(config, said),
    llm,
  }
  // Said already, of the other half of it.
  const alone = problems.some(({ field }) => field === '--on-down')
  problems.push(...crossCheck(made, source).filter(({ field }) => !(alone && field === '--redis')))
  if (problems.length > 0) throw new ConfigProblems(problems)
  return made
}

/** Where something answers from the cache. */
function isCached({ degradation }: Config, llm: LlmConfig | undefined): boolean {
  return degradation?.some(({ step }) => step === 'cached-only') === true || llm?.overflow?.cached !== undefined
}

function listenOf({ listen }: Config, said: GatewaySettings, problems: Problem[]): GatewayPlan['listen'] {
  return {
    ...listen,
    host: said.host ?? listen.host,
    port: said.port ?? listen.port,
    tls: tlsOf(listen.tls, said, problems),
    adminHost: said.adminHost ?? listen.adminHost,
    adminPort: said.adminPort ?? listen.adminPort,
    adminToken: said.adminToken ?? listen.adminToken,
    drainTimeout: said.drainTimeout ?? listen.drainTimeout,
    trustForwarded: said.trustForwarded ?? false,
    readiness: listen.readiness && readinessOf(listen.readiness),
  }
}

function readinessOf(file: ReadinessConfig): ReadinessPlan {
  const { above, until = Math.max(0, above - 10), sheddingAbove } = file
  return { ...file, above: above / 100, until: until / 100, sheddingAbove: sheddingAbove / 100 }
}

function tlsOf(
  file: TlsConfig | undefined,
  { tlsCert: cert = file?.cert, tlsKey: key = file?.key }: GatewaySettings,
  problems: Problem[],
): TlsConfig | undefined {
  if (cert !== undefined && key !== undefined) return { minVersion: MIN_VERSION, ...file, cert, key }
  const [missing, other] = cert === undefined ? ['--tls-cert', '--tls-key'] : ['--tls-key', '--tls-cert']
  if (cert !== key) problems.push({ place: '', field: missing, got: 'nothing', expected: `a file beside ${other}` })
  return undefined
}

function redisOf({ redis }: Config, said: GatewaySettings): RedisConfig | undefined {
  if (said.redis === undefined) return redis
  return { prefix: 'sluice', lease: 2000, ...redis, url: said.redis }
}

function llmOf({ llm }: Config, said: GatewaySettings): LlmConfig | undefined {
  const { llm: dialect = llm?.dialect, llmUsage: usage = llm?.usage } = said
  if (dialect === undefined) return undefined
  return llm === undefined ? llmSection.parse({ dialect, usage }) : { ...llm, dialect, usage: usage! }
}

function asksForLimit(sources: {
  readonly config: Config
  readonly said: GatewaySettings
  readonly environment: Environment
}): boolean {
  const { config, said, environment } = sources
  const settings = { ...environmentSettings(environment), ...settingsOf(said) }
  return (said.preset ?? config.preset) !== undefined || said.onDown !== undefined || Object.keys(settings).length > 0
}

function hasLanes({ routes = [] }: Config): boolean {
  return routes.some(({ lane }) => lane !== undefined)
}

/** `undefined` where everybody is let in. */
function limitsOf(
  config: Config,
  said: GatewaySettings,
  { flags, environment }: { readonly flags: GatewaySettings; readonly environment: Environment },
  problems: Problem[],
): Readonly<Record<string, LimitPlan>> | undefined {
  const { default: own, ...others } = config.limits ?? {}
  const named = Object.fromEntries(Object.entries(others).map(([name, limit]) => [name, limitPlan(limit)]))
  // A preset that is asked for by flag or variable takes the place of the limit in the file; one in the file does not.
  const file = said.preset === undefined && own !== undefined ? limitPlan(own) : undefined
  const preset = said.preset ?? (own === undefined ? config.preset : undefined)
  const admission = plan({
    flags: settingsOf(flags),
    environment,
    file: file === undefined ? {} : settingsOfLimit(file),
    preset,
  })
  if (admission.kind === 'off') return undefined
  if (file?.kind === 'rate') return { default: file, ...named }
  const limit = limitOfAdmission(admission, file)
  if (said.onDown === undefined) return { default: limit, ...named }
  if (limit.kind !== 'fixed') {
    const expected = 'a fixed limit to share: --max-concurrent, a preset, or kind: fixed in a file'
    problems.push({ place: '', field: '--on-down', got: 'a limit that each instance finds by itself', expected })
    return { default: limit, ...named }
  }
  const fleet: FleetPlan = { order: 'share', instances: 0, ...limit.fleet, onDown: said.onDown }
  // The sum of limit and queue is this instance's matter; the fleet's queue is bounded by itself.
  return { default: { ...limit, threshold: undefined, fleet }, ...named }
}

function settingsOf(said: GatewaySettings): Settings {
  const { enabled, maxConcurrent, queueCapacity, waitTimeout, rejectThreshold } = said
  const all = { enabled, maxConcurrent, queueCapacity, waitTimeout, rejectThreshold }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}

function settingsOfLimit(limit: LimitPlan): Settings {
  if (limit.kind === 'rate') return {}
  const { queue, threshold } = limit
  return {
    ...(limit.kind === 'fixed' && { maxConcurrent: limit.permits }),
    ...(queue !== undefined && { queueCapacity: queue.capacity, waitTimeout: queue.maxWait }),
    ...(threshold !== undefined && { rejectThreshold: threshold }),
  }
}

const UPSTREAM: UpstreamConfig = {
  servers: [],
  hostHeader: 'client',
  http2: false,
  passive: { failures: 5, restFor: 10_000 },
  timeouts: { connect: 5000, headers: 60_000, body: 300_000 },
  allowLinkLocal: false,
}

/** A model may think for ten minutes before it says the first word. */
const MODELS: UpstreamConfig = {
  ...UPSTREAM,
  hostHeader: 'upstream',
  timeouts: { ...UPSTREAM.timeouts, headers: 600_000 },
}

function upstreamsOf(
  config: Config,
  said: GatewaySettings,
  problems: Problem[],
): Readonly<Record<string, UpstreamConfig>> {
  let upstreams = config.upstreams ?? {}
  const { llm = config.llm?.dialect, servers = said.upstream === undefined ? [] : [said.upstream] } = said
  if (servers.length > 0) {
    const names = Object.keys(upstreams)
    if (names.length > 1) {
      const expected = `nothing beside a file with several upstreams (${names.join(', ')})`
      problems.push({ place: '', field: '--upstream', got: servers[0]!, expected })
    }
    const name = names[0] ?? 'default'
    const base = llm === undefined ? UPSTREAM : MODELS
    upstreams = { [name]: { ...base, ...upstreams[name], servers: servers.map((url) => ({ url, weight: 1 })) } }
  }
  const { headersTimeout, hostHeader } = said
  if (headersTimeout === undefined && hostHeader === undefined) return upstreams
  return Object.fromEntries(
    Object.entries(upstreams).map(([name, upstream]) => [
      name,
      {
        ...upstream,
        hostHeader: hostHeader ?? upstream.hostHeader,
        timeouts: { ...upstream.timeouts, ...(headersTimeout !== undefined && { headers: headersTimeout }) },
      },
    ]),
  )
}

/** Those a route may mean that names none. */
function upstreamsFor(names: readonly string[], llm: LlmConfig | undefined): readonly string[] {
  if (llm === undefined) return names
  return names.includes(llm.upstream ?? '') ? [llm.upstream!] : names.slice(0, 1)
}

function routesOf(config: Config, upstreams: readonly string[], free: boolean): readonly RoutePlan[] {
  const only = upstreams.length === 1 ? upstreams[0]! : ''
  return (config.routes ?? [{}]).map((route, index) => ({
    ...route,
    name: route.name ?? (config.routes === undefined ? 'all' : `route-${index + 1}`),
    upstream: route.upstream ?? only,
    limits: free ? [] : (route.limits ?? ['default']),
  }))
}

function stepOf({ step, above = STEP_LEVELS[step], until = Math.max(0, above - 10) }: StepConfig): StepPlan {
  return { step, above: above / 100, until: until / 100 }
}

/** A plan for one upstream, made by a program instead of a file. @param admission default: a limit that finds itself */
export function simplePlan(upstream: string, admission: Plan | undefined, said: GatewaySettings): GatewayPlan {
  const made = gatewayPlan({ flags: { ...said, upstream } })
  if (admission === undefined) return made
  if (admission.kind !== 'off') return { ...made, limits: { default: limitOfAdmission(admission, undefined) } }
  return { ...made, limits: {}, routes: made.routes.map((route) => ({ ...route, limits: [] })) }
}
