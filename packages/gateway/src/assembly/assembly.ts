import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Observer } from 'sluice'
import { Caller, isHealthPath, laneBy, openPipelines, trust, Visit, type Lane, type Trust } from 'sluice/http'
import { signalOf } from 'sluice/node'
import { cachingUpstream } from '../cache/index.ts'
import type { GatewayPlan, RedisConfig, RoutePlan } from '../config/index.ts'
import type { FleetStore } from '../fleet/index.ts'
import type { MachineStore } from '../workers/index.ts'
import type { Recorder } from '../live/index.ts'
import { answer, forward, type Listener, type ProxyCounts } from '../proxy/index.ts'
import { identityOf, pathOf, plainPath, requestReader, RouteLine, setIdentity, visitorOf } from '../routing/index.ts'
import { ANYBODY, identification, labels, type Identify, type Identity, type Unknown } from '../tenants/index.ts'
import { isWebSocket, type Tunnels } from '../websocket/index.ts'
import { refuseLinkLocal } from './refuse-link-local.ts'
import { planHash } from './plan-hash.ts'
import { closeParts, isShared, NOTHING, partsOf, type DoorNeeds, type Parts } from './parts.ts'

/** What outlives every plan. */
export interface Surroundings {
  readonly counts: ProxyCounts
  readonly recorder: Recorder
  /** Hears of everybody who comes to a gate. */
  readonly observer: Observer
  readonly tunnels: Tunnels
  /** What several processes of this gateway share; `undefined` where there is one. */
  readonly machine?: MachineStore | undefined
  /** Hears when a limit moves. */
  readonly moved: (limit: string) => Observer
}

const NO_ROUTE = { status: 404, code: 'NO_ROUTE', message: 'no route of this gateway fits the request' }

const AMBIGUOUS = {
  status: 400,
  code: 'AMBIGUOUS_PATH',
  message: 'the path belongs to one route as it is and to another without its escapes, dots and doubled slashes',
}

/** A plan, running: what requests pass from the moment it is in force. */
export class Assembly {
  readonly plan: GatewayPlan
  readonly parts: Parts
  readonly routes: readonly RouteLine[]
  /** The first ten digits of the plan's hash. */
  readonly hash: string
  readonly label: (tenant: string | undefined) => string
  readonly #identify: Identify | undefined
  readonly #trust: Trust
  /** Requests of which it is not known yet from whom they are. */
  #unidentified = 0
  /** Open streams of HTTP/2, which no connection knows of. */
  #streams = 0

  private constructor(plan: GatewayPlan, parts: Parts, identify: Identify | undefined, around: Surroundings) {
    this.plan = plan
    this.parts = parts
    this.hash = planHash(plan)
    this.label = labels(plan.tenants)
    this.#identify = identify
    this.#trust = trust(plan.listen.trustedProxies)
    this.routes = this.#lines(around)
  }

  /**
   * Makes everything a plan needs, so that nothing can fail any more when it comes into force. What `before` runs is
   * taken over where the plan has not changed it.
   * @throws ConfigProblems and other errors; then nothing has changed
   */
  static async of(plan: GatewayPlan, before: Assembly | undefined, around: Surroundings): Promise<Assembly> {
    // What can fail for reasons outside of the plan comes first.
    await refuseLinkLocal(plan)
    const identify = plan.tenants === undefined ? undefined : await identification(plan.tenants)
    // The client takes longer to load than all the rest, and most gateways need none.
    const store = isShared(plan) ? (await import('../fleet/index.ts')).FleetStore : undefined
    const make = store && ((config: RedisConfig): FleetStore => new store(config))
    const { llm } = plan
    const { counts } = around
    const laneOf = laneRules(plan)
    // Takes a while to load, and most gateways need none of it.
    const { LlmPart } = llm === undefined ? {} : await import('./llm-part.ts')
    const door = llm && LlmPart && ((needs: DoorNeeds) => new LlmPart({ ...needs, plan, llm, counts, laneOf }))
    const parts = partsOf(plan, before?.parts ?? NOTHING, around.moved, make, door, around.machine)
    // Whoever comes first should not meet the policy for a store that is only a moment away.
    await Promise.all([...parts.stores.values()].map(({ reached }) => reached))
    try {
      return new Assembly(plan, parts, identify, around)
    } catch (error) {
      await closeParts(parts, before?.parts)
      throw error
    }
  }

  readonly handle = (req: IncomingMessage, res: ServerResponse): void => this.#receive(req, res, false)

  readonly handleContinue = (req: IncomingMessage, res: ServerResponse): void => this.#receive(req, res, true)

  /** True while requests that came under this plan are open. */
  get busy(): boolean {
    if (this.#unidentified > 0 || this.#streams > 0) return true
    for (const pipeline of openPipelines())
      for (const visit of pipeline.visits())
        if (visit instanceof Visit && visitorOf(visit.request as IncomingMessage)?.era === this) return true
    return false
  }

  #receive(req: IncomingMessage, res: ServerResponse, continued: boolean): void {
    if (req.httpVersionMajor === 2) {
      this.#streams++
      res.once('close', () => this.#streams--)
    }
    const path = pathOf(req)
    const line = this.#lineFor(req, path)
    const plain = plainPath(path)
    if (plain !== undefined && this.#lineFor(req, plain) !== line) return answer(req, res, AMBIGUOUS)
    if (line === undefined) return answer(req, res, NO_ROUTE)
    if (this.#identify === undefined || isHealthPath(req.url ?? '')) return line.enter(req, res, continued)
    const told = this.#identify(this.#callerOf(req))
    if (!(told instanceof Promise)) return this.#known(line, told, req, res, continued)
    this.#unidentified++
    void told.then((late) => {
      this.#unidentified--
      this.#known(line, late, req, res, continued)
    })
  }

  #lineFor(req: IncomingMessage, path: string): RouteLine | undefined {
    return this.routes.find(({ fits }) => fits === undefined || fits(req, path))
  }

  #known(
    line: RouteLine,
    told: Identity | Unknown,
    req: IncomingMessage,
    res: ServerResponse,
    continued: boolean,
  ): void {
    if ('refusal' in told) {
      // Its body stays with the client, which may send it all the same: only a new connection is unambiguous.
      if (continued) res.shouldKeepAlive = false
      return answer(req, res, told.refusal)
    }
    setIdentity(req, told)
    line.enter(req, res, continued)
  }

  #callerOf(req: IncomingMessage): Caller<IncomingMessage> {
    return new Caller(req, requestReader, this.#trust)
  }

  #lines(around: Surroundings): readonly RouteLine[] {
    const { plan, parts } = this
    const shows = showsFor(plan)
    const laneOf = laneRules(plan)
    // One for each upstream, and one more where routes may call their requests off.
    const forwards = new Map<string, Listener>()
    const forwardFor = (route: RoutePlan): Listener => {
      const { upstream, timeout, websocket } = route
      const key = `${upstream} ${timeout === undefined ? '' : 'timed'} ${websocket ?? ''}`
      const known = forwards.get(key) ?? this.#forward(route, shows, around)
      forwards.set(key, known)
      return known
    }
    return plan.routes.map(
      (route) =>
        new RouteLine({
          plan,
          route,
          units: route.limits.map((name) => parts.unit(name)),
          breaker: parts.breaker(route.upstream)?.gate,
          // Behind the door to language models quotas are kept by the door.
          balancer: parts.door?.upstream === route.upstream ? undefined : parts.balancer(route.upstream),
          forward: forwardFor(route),
          cache: parts.cache,
          shows,
          laneOf,
          callerOf: (req) => this.#callerOf(req),
          recorder: around.recorder,
          observer: around.observer,
          era: this,
        }),
    )
  }

  #forward({ upstream: name, timeout, websocket }: RoutePlan, shows: Shows, around: Surroundings): Listener {
    const { counts, tunnels } = around
    const { plan, parts } = this
    if (parts.door?.upstream === name) return parts.door.handle
    const { servers, hostHeader, timeouts } = plan.upstreams[name]!
    const balancer = parts.balancer(name)
    const upstream =
      parts.cache === undefined ? balancer : cachingUpstream(balancer, { cache: parts.cache, name, hostHeader, shows })
    const { trustForwarded, trustedProxies } = plan.listen
    const believed = trust(trustedProxies)
    const believes = (peer: string | undefined): boolean => trustForwarded || believed.believes(peer)
    const { url } = servers[0]!
    const ordinary = forward(upstream, {
      upstream: new URL(url),
      hostHeader,
      trustForwarded: trustForwarded || (trustedProxies.length > 0 && believes),
      counts,
      ...(timeout !== undefined && { callOff: signalOf }),
    })
    const { host: upstreamHost } = new URL(url)
    return (req, res) => {
      if (!isWebSocket(req)) return ordinary(req, res)
      const rules = { host: hostHeader, upstreamHost, trustForwarded: believes(req.socket.remoteAddress) }
      const holds = websocket !== 'handshake'
      tunnels.start(req, res, { balancer, rules, headersTimeout: timeouts.headers, holds })
    }
  }
}

type Shows = (header: (name: string) => string | undefined) => boolean

/** What tells who a request is from: no answer to it may go to somebody else, unless it says that it may. */
function showsFor({ tenants }: GatewayPlan): Shows {
  const names = ['authorization', 'cookie', 'proxy-authorization']
  if (tenants?.from === 'header' || tenants?.from === 'api-key') names.push(tenants.header)
  return (header) => names.some((name) => header(name) !== undefined)
}

function laneRules({ lanes }: GatewayPlan): ((caller: Caller<IncomingMessage>) => Lane | undefined) | undefined {
  if (lanes === undefined || lanes.rules.length === 0) return undefined
  return laneBy<IncomingMessage>(
    lanes.rules.map(({ lane, path, method, role, tenant }) => ({
      lane,
      ...(path !== undefined && { path }),
      ...(method !== undefined && { method }),
      when: ({ request }) => {
        const identity = identityOf(request) ?? ANYBODY
        return (
          (role === undefined || identity.roles.includes(role)) && (tenant === undefined || identity.tenant === tenant)
        )
      },
    })),
  )
}
