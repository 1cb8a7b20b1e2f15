import type { IncomingMessage } from 'node:http'
import { systemClock, type Priority } from 'sluice'
import { Caller, LANES, trust, urgency, type Lane } from 'sluice/http'
import { llmPool, provider, type BucketsCoordinator, type LlmPool } from 'sluice/llm'
import type { ResponseCache } from '../cache/index.ts'
import type { GatewayPlan, LlmConfig } from '../config/index.ts'
import type { FleetStore } from '../fleet/index.ts'
import { LlmDoor, Overflow, ProviderLine, type LlmFigures, type LlmStatus, type ServerMember } from '../llm/index.ts'
import { forward, type ForwardingRules, type Listener, type ProxyCounts } from '../proxy/index.ts'
import { identityOf, requestReader, visitorOf } from '../routing/index.ts'
import type { Balancer, Member } from '../upstreams/index.ts'

/** What an {@link LlmPart} is made of. */
export interface LlmPartOptions {
  readonly plan: GatewayPlan
  readonly llm: LlmConfig
  readonly balancer: (name: string) => Balancer
  readonly counts: ProxyCounts
  readonly store: FleetStore | undefined
  /** Where answers are kept. */
  readonly cache: ResponseCache | undefined
  /** What the door before this one has counted. */
  readonly figures: LlmFigures | undefined
  /** Puts a request in a lane by rules. */
  readonly laneOf: ((caller: Caller<IncomingMessage>) => Lane | undefined) | undefined
}

/** The door to language models of a plan, running. */
export class LlmPart {
  readonly upstream: string
  readonly handle: Listener
  readonly #door: LlmDoor
  readonly #pool: LlmPool | undefined
  readonly #store: FleetStore | undefined

  constructor(options: LlmPartOptions) {
    const { plan, llm, balancer, counts } = options
    this.upstream = llmUpstream(plan, llm)
    const { servers, hostHeader } = plan.upstreams[this.upstream]!
    const behind = balancer(this.upstream)
    const isShared = llm.scope === 'fleet' && llm.limits !== undefined
    this.#store = isShared ? options.store : undefined
    this.#pool = llm.limits && poolOf(llm, this.#store?.buckets())
    const line =
      this.#pool && new ProviderLine({ pool: this.#pool, models: modelsOf(llm), upstream: behind, clock: systemClock })
    const overflowTo = (name: string | undefined): Overflow | undefined =>
      name === undefined ? undefined : new Overflow(balancer(name), llm.overflow!.count)
    const { trustForwarded, trustedProxies } = plan.listen
    const believed = trust(trustedProxies)
    const believes = (peer: string | undefined): boolean =>
      trustForwarded || (trustedProxies.length > 0 && believed.believes(peer))
    const upstream = new URL(servers[0]!.url)
    const common = { host: hostHeader, upstreamHost: upstream.host }
    const believing: ForwardingRules = { ...common, trustForwarded: true }
    const doubting: ForwardingRules = { ...common, trustForwarded: false }
    this.#door = new LlmDoor({
      config: llm,
      members: behind.members.map(memberOf),
      line,
      overflow: overflowTo(llm.overflow?.upstream),
      batch: overflowTo(llm.overflow?.batch),
      cache: options.cache,
      rules: (peer) => (believes(peer) ? believing : doubting),
      others: forward(behind, { upstream, hostHeader, trustForwarded: believes, counts }),
      whoOf: whoBy(options),
      counts,
      figures: options.figures,
    })
    this.handle = this.#door.handle
  }

  get status(): LlmStatus {
    const { status } = this.#door
    if (this.#store?.trouble === undefined) return status
    return { ...status, models: status.models.map((model) => ({ ...model, store: 'down' })) }
  }

  /** What it has counted, for whoever takes its place. */
  get figures(): LlmFigures {
    return this.#door.figures
  }

  /** True while somebody waits here. */
  get isBusy(): boolean {
    return this.#door.isBusy
  }

  async close(): Promise<void> {
    this.#door.close()
    await this.#pool?.close()
    await this.#store?.release()
  }
}

/** What a door depends on: where that is the same it goes on as it is. */
export function llmKey({ llm, upstreams, listen, tenants, lanes, redis, cache }: GatewayPlan): string {
  const { trustForwarded, trustedProxies } = listen
  return JSON.stringify([llm, upstreams, trustForwarded, trustedProxies, tenants, lanes, redis, cache])
}

/** Which upstream has the models. */
function llmUpstream({ upstreams }: GatewayPlan, { upstream }: LlmConfig): string {
  return upstream ?? Object.keys(upstreams)[0]!
}

function memberOf(member: Member): ServerMember {
  return {
    upstream: { send: (request, receiver) => member.send(request, receiver), close: () => Promise.resolve() },
    name: member.origin,
    weight: member.weight,
    get isFit() {
      return member.condition.fit
    },
  }
}

function poolOf(
  { limits = [], dialect, queue, maxOutput, weights, service, onDown = 'share' }: LlmConfig,
  store?: BucketsCoordinator,
): LlmPool {
  return llmPool({
    limits: limits.map(({ provider: name = dialect, ...figures }) =>
      provider[name]({ maxOutput, ...defined(figures) }),
    ),
    ...(store !== undefined && { store, onDown }),
    queue: { max: Math.max(1, queue.max), maxWait: queue.maxWait },
    weight: (tenant) => weights[tenant] ?? 1,
    service,
  })
}

function defined<T extends object>(figures: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const known = Object.entries(figures).filter(([, value]) => value !== undefined)
  return Object.fromEntries(known) as { [K in keyof T]: Exclude<T[K], undefined> }
}

function modelsOf({ limits = [] }: LlmConfig): ReadonlySet<string> {
  return new Set(limits.flatMap(({ model, also = [] }) => [model, ...also]))
}

/** Whose call it is and how important: as its gates knew, else by the same rules. */
function whoBy({ plan, laneOf }: LlmPartOptions): (req: IncomingMessage) => { tenant: string; priority: Priority } {
  const believed = trust(plan.listen.trustedProxies)
  return (req) => {
    const visitor = visitorOf(req)
    const caller = new Caller(req, requestReader, believed)
    const tenant = identityOf(req)?.tenant ?? caller.address ?? ''
    if (visitor !== undefined) return { tenant, priority: visitor.priority }
    const lane = laneOf?.(caller)
    if (lane === 'critical') return { tenant, priority: 3 }
    const asked = caller.trusted ? urgency(caller.header('priority')) : undefined
    return { tenant, priority: lane === undefined ? (asked ?? LANES.normal) : LANES[lane] }
  }
}
