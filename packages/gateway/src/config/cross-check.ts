import { isLinkLocal } from '../outward/index.ts'
import { algorithmOf } from './algorithm.ts'
import { checkLlm } from './check-llm.ts'
import { didYouMean } from './did-you-mean.ts'
import type { GatewayPlan } from './gateway-plan.ts'
import { guardedUrls } from './guarded-urls.ts'
import type { Problem } from './problem.ts'
import type { ConfigFile } from './read-config.ts'
import type { LimitConfig } from './sections/limits.ts'
import type { TenantsConfig } from './sections/tenants.ts'

type Path = readonly (string | number)[]
type Find = (path: Path, expected: string) => void

/** Finds what makes sense by itself but does not fit together. */
export function crossCheck(plan: GatewayPlan, file: ConfigFile): readonly Problem[] {
  const problems: Problem[] = []
  const find: Find = (path, expected) => void problems.push(file.problem(path, expected))
  if (Object.keys(plan.upstreams).length === 0) {
    const expected = 'a service to pass requests on to: --upstream URL, or upstreams in a file'
    problems.push({ place: file.name === '' ? '' : `${file.name}:1:1`, field: '', got: 'none', expected })
  }
  problems.push(...checkUrls(plan, file), ...checkItself(plan, file))
  problems.push(...checkListen(plan, file))
  checkRoutes(plan, find)
  for (const [name, limit] of Object.entries(file.config.limits ?? {})) checkLimit(['limits', name], limit, plan, find)
  if (plan.redis === undefined && hasFleet(plan))
    find(['redis'], 'a Redis for limits of scope fleet: --redis URL, or redis in a file')
  const free = Object.keys(plan.limits).length === 0
  if (plan.redis !== undefined && file.config.redis === undefined && !hasFleet(plan) && !free) {
    const expected = 'a limit of scope fleet: --on-down share, open or closed, or scope: fleet in a file'
    problems.push({ place: '', field: '--redis', got: 'none', expected })
  }
  checkLanes(plan, find)
  if (plan.tenants !== undefined) checkTenants(plan.tenants, plan, find)
  checkDegradation(plan, find)
  if (plan.llm !== undefined) checkLlm(plan.llm, plan, find)
  return problems
}

/** Names are looked up at the start, and with each connection. */
function checkUrls(plan: GatewayPlan, file: ConfigFile): readonly Problem[] {
  const problems: Problem[] = []
  for (const { path, url, expected } of guardedUrls(plan)) {
    if (isLinkLocal(url.hostname)) problems.push(urlProblem(path, url, expected, file))
  }
  return problems
}

/** A gateway that asks itself passes a request round and round until no slot is left for it. */
function checkItself({ listen, upstreams }: GatewayPlan, file: ConfigFile): readonly Problem[] {
  const { host, port } = listen
  const expected = `another address than that of the gateway itself, whose port is ${port} (--port)`
  return Object.entries(upstreams).flatMap(([name, { servers }]) =>
    servers.flatMap((server, index) => {
      const url = new URL(server.url)
      const isThere =
        url.hostname === host || (LOOPBACK.test(url.hostname) && (isEverywhere(host) || LOOPBACK.test(host)))
      const own = port !== 0 && isThere && Number(url.port || (url.protocol === 'https:' ? 443 : 80)) === port
      return own ? [urlProblem(['upstreams', name, 'servers', index, 'url'], url, expected, file)] : []
    }),
  )
}

/** What a flag says, or a variable, stands in no file. */
function urlProblem(path: Path, url: URL, expected: string, file: ConfigFile): Problem {
  const isOfFile =
    path[0] === 'tenants' ||
    Object.values(file.config.upstreams ?? {}).some(({ servers }) => servers.some((each) => each.url === url.origin))
  return isOfFile
    ? file.problem(path, expected)
    : { place: '', field: '--upstream', got: JSON.stringify(url.origin), expected }
}

const LOOPBACK = /^(localhost|\[?::1\]?|127\.\d+\.\d+\.\d+)$/

function isEverywhere(address: string): boolean {
  return address === '0.0.0.0' || address === '::'
}

function hasFleet({ limits }: GatewayPlan): boolean {
  return Object.values(limits).some((limit) => limit.kind !== 'adaptive' && limit.fleet !== undefined)
}

function checkListen({ listen }: GatewayPlan, file: ConfigFile): readonly Problem[] {
  const { host, port, adminHost, adminPort, adminToken } = listen
  const problems: Problem[] = []
  if (listen.h2c && listen.tls !== undefined)
    problems.push(file.problem(['listen', 'h2c'], 'false beside listen.tls: there HTTP/2 is chosen in the handshake'))
  const { above = 0, until = 0 } = file.config.listen.readiness ?? {}
  if (until > above) problems.push(file.problem(['listen', 'readiness', 'until'], `at most above, which is ${above}`))
  if (!LOOPBACK.test(adminHost) && adminToken === undefined) {
    const expected = `a token (SLUICE_ADMIN_TOKEN): the admin port is open to others on ${adminHost}`
    problems.push(file.problem(['listen', 'adminToken'], expected))
  }
  if (port === adminPort && port !== 0 && (isEverywhere(host) || isEverywhere(adminHost) || host === adminHost)) {
    const problem = file.problem(['listen', 'adminPort'], 'another port than that for requests')
    // What flags, variables and defaults say stands in no file.
    problems.push({ ...problem, got: String(adminPort) })
  }
  return problems
}

function checkRoutes({ routes, upstreams, limits }: GatewayPlan, find: Find): void {
  const names = new Set<string>()
  for (const [index, route] of routes.entries()) {
    const at = (field: string): Path => ['routes', index, field]
    if (names.has(route.name)) find(at('name'), 'a name that no other route has')
    names.add(route.name)
    if (route.upstream === '' && Object.keys(upstreams).length > 1)
      find(at('upstream'), `one of ${Object.keys(upstreams).join(', ')}`)
    else if (route.upstream !== '' && !Object.hasOwn(upstreams, route.upstream))
      find(at('upstream'), known(route.upstream, Object.keys(upstreams)))
    for (const [place, limit] of route.limits.entries())
      if (!Object.hasOwn(limits, limit)) find([...at('limits'), place], known(limit, Object.keys(limits)))
  }
}

function known(word: string, words: readonly string[]): string {
  const meant = didYouMean(word, words)
  return `one of ${words.join(', ')}${meant === undefined ? '' : `; perhaps ${meant}`}`
}

function checkLimit(path: Path, limit: LimitConfig, plan: GatewayPlan, find: Find): void {
  if (limit.by === 'tenant' && plan.tenants === undefined)
    find([...path, 'by'], 'all, or a tenants section that says who is who')
  if (limit.kind === 'adaptive') {
    const { min = 1, max = Infinity, initial } = limit
    if (max < min) find([...path, 'max'], `at least min, which is ${min}`)
    else if (initial !== undefined && (initial < min || initial > max)) find([...path, 'initial'], 'from min to max')
    else checkAlgorithm(path, limit, find)
    return
  }
  if (limit.scope === 'fleet') {
    if (limit.onDown === undefined) find([...path, 'onDown'], 'share, open or closed: what happens while Redis is gone')
    if (limit.kind === 'fixed' && limit.by === 'tenant')
      find([...path, 'scope'], 'local for a fixed limit by tenant; a rate may be both by tenant and of the fleet')
    if (limit.kind === 'fixed' && limit.order === 'strict' && plan.lanes !== undefined)
      find(
        [...path, 'order'],
        'share where there are lanes (the preset production has some): in strict order low would starve',
      )
    if (limit.kind === 'fixed' && limit.rejectThreshold !== undefined)
      find([...path, 'rejectThreshold'], 'nothing for a limit of the fleet; fleetQueue bounds who waits')
    return
  }
  if (limit.onDown !== undefined) find([...path, 'onDown'], 'nothing without scope: fleet')
  if (limit.kind === 'rate') return
  if (limit.fleetQueue !== undefined) find([...path, 'fleetQueue'], 'nothing without scope: fleet')
  if (limit.rejectThreshold !== undefined && limit.rejectThreshold < limit.limit)
    find([...path, 'rejectThreshold'], `at least the ${limit.limit} that may be in progress`)
}

/** Each has defaults of its own, which may not go with what is said. */
function checkAlgorithm(path: Path, limit: Extract<LimitConfig, { readonly kind: 'adaptive' }>, find: Find): void {
  try {
    algorithmOf(limit)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    const [, field = '', expected = error.message] = /^\w+\.(\w+): expected ([^,]*)/.exec(error.message) ?? []
    find(field === '' ? path : [...path, field], expected)
  }
}

function checkLanes({ lanes, tenants }: GatewayPlan, find: Find): void {
  if (lanes === undefined) return
  const { critical, high, normal, low } = lanes.shares
  const sum = critical + high + normal + low
  if (sum !== 100) find(['lanes', 'shares'], `shares that are 100 together, not ${sum}`)
  const hasRoles =
    tenants !== undefined &&
    (tenants.from === 'api-key' ||
      (tenants.from === 'jwt' && tenants.roleClaim !== undefined) ||
      (tenants.from === 'header' && tenants.roleHeader !== undefined))
  for (const [index, { role, tenant }] of lanes.rules.entries()) {
    const at = (field: string): Path => ['lanes', 'rules', index, field]
    if (role !== undefined && !hasRoles) find(at('role'), 'nothing, or a tenants section that knows roles')
    if (tenant !== undefined && tenants === undefined) find(at('tenant'), 'nothing, or a tenants section')
  }
}

function checkTenants(tenants: TenantsConfig, { listen }: GatewayPlan, find: Find): void {
  if (tenants.from === 'header' && listen.trustedProxies.length === 0)
    find(['tenants', 'header'], 'listen.trustedProxies beside it: from anybody else a header proves nothing')
  if (tenants.from === 'api-key') {
    const names = new Map<string, string>()
    for (const [name, { key }] of Object.entries(tenants.keys)) {
      const twin = names.get(key)
      if (twin !== undefined) find(['tenants', 'keys', name, 'key'], `a key that ${twin} does not have`)
      names.set(key, name)
    }
  }
  if (tenants.from !== 'jwt') return
  const { secret, publicKeyFile, jwks, algorithms = [] } = tenants
  const keys = [secret, publicKeyFile, jwks].filter((key) => key !== undefined).length
  if (keys !== 1) find(['tenants'], 'exactly one of secret, publicKeyFile and jwks')
  // A public key used as a secret would let anybody sign (algorithm confusion).
  for (const [index, algorithm] of algorithms.entries())
    if (algorithm.startsWith('HS') !== (secret !== undefined))
      find(
        ['tenants', 'algorithms', index],
        secret === undefined ? 'an algorithm with a public key' : 'HS256, HS384 or HS512',
      )
}

function checkDegradation({ degradation, cache, llm }: GatewayPlan, find: Find): void {
  for (const [index, { above, until }] of degradation.entries()) {
    if (until > above) find(['degradation', index, 'until'], `at most above, which is ${above * 100}`)
    if (index > 0 && above < degradation[index - 1]!.above)
      find(['degradation', index, 'above'], 'steps in the order in which they come into force, mildest first')
  }
  const isRead = degradation.some(({ step }) => step === 'cached-only') || llm?.overflow?.cached !== undefined
  if (cache !== undefined && !isRead) find(['cache'], 'a step cached-only in degradation beside it')
}
