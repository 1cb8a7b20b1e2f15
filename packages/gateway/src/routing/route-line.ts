import type { IncomingMessage, ServerResponse } from 'node:http'
import { defineGate, series, shadow, systemClock, worst, type Gate, type Instant, type Observer } from 'sluice'
import { isHealthPath, LANES, timeLeft, trust, urgency, type Caller, type Degradation, type Lane } from 'sluice/http'
import { protect, type Protected } from 'sluice/node'
import type { ResponseCache } from '../cache/index.ts'
import type { GatewayPlan, RoutePlan } from '../config/index.ts'
import type { LimitUnit } from '../gates/index.ts'
import type { Recorder } from '../live/index.ts'
import { grpcRefusal, isGrpc, type Listener } from '../proxy/index.ts'
import type { Balancer } from '../upstreams/index.ts'
import { asToldBelow } from './as-told-below.ts'
import { givingUp } from './giving-up.ts'
import { matcherOf, type Matcher } from './match.ts'
import { identityOf, setVisitor, Visitor, visitorOf, type Era } from './visitor.ts'

/** What a route is made of. */
export interface RouteParts {
  readonly plan: GatewayPlan
  readonly route: RoutePlan
  /** Outermost first. */
  readonly units: readonly LimitUnit[]
  readonly breaker: Gate | undefined
  /** What hears how the upstream does; `undefined` where somebody else goes by that. */
  readonly balancer: Balancer | undefined
  readonly forward: Listener
  readonly cache: ResponseCache | undefined
  readonly shows: (header: (name: string) => string | undefined) => boolean
  /** Puts a request in a lane by rules. */
  readonly laneOf: ((caller: Caller<IncomingMessage>) => Lane | undefined) | undefined
  readonly callerOf: (req: IncomingMessage) => Caller<IncomingMessage>
  readonly recorder: Recorder
  readonly observer: Observer
  readonly era: Era
}

const SPOKEN: readonly Lane[] = ['low', 'low', 'normal', 'high']

/** One route, running: its gates and what is behind them. */
export class RouteLine {
  readonly name: string
  readonly fits: Matcher | undefined
  /** Everything its requests pass; `undefined` where everybody is let in. */
  readonly gate: Gate | undefined
  readonly givingUp: Degradation<IncomingMessage> | undefined
  readonly units: readonly LimitUnit[]
  readonly #parts: RouteParts
  readonly #guarded: Protected | undefined
  /** True where all its requests are the same to its gates. */
  readonly #plain: boolean

  constructor(parts: RouteParts) {
    const { route, plan, units, breaker } = parts
    this.#parts = parts
    this.name = route.name
    this.units = units
    this.fits = matcherOf(route)
    this.#plain =
      parts.laneOf === undefined &&
      plan.listen.trustedProxies.length === 0 &&
      plan.tenants === undefined &&
      route.deadline === undefined &&
      route.lane === undefined
    const gates = [...units.map(({ gate }) => gate), ...(breaker === undefined ? [] : [breaker])]
    const [first, ...rest] = gates
    if (first === undefined) return
    const whole = rest.length === 0 ? first : series(first, ...rest)
    this.gate = parts.balancer === undefined ? whole : asToldBelow(whole, parts.balancer.below)
    this.givingUp = this.#degradation(units)
    this.#guarded = this.#guard(this.gate)
  }

  enter(req: IncomingMessage, res: ServerResponse, continued: boolean): void {
    if (this.#guarded === undefined) {
      if (continued) res.writeContinue()
      whenEnded(res, this.#parts.recorder.ungated())
      return this.#parts.forward(req, res)
    }
    setVisitor(req, this.#visitor(req, res))
    for (const { slots, buckets } of this.units) {
      if (slots?.state.alone === true) tellDegraded(res, slots.state.policy)
      if (buckets?.health.value === 'down') tellDegraded(res, buckets.state.onDown)
    }
    if (continued) this.#guarded.checkContinue(req, res)
    else this.#guarded(req, res)
  }

  #guard(gate: Gate): Protected {
    const { plan, route, forward, recorder, observer } = this.#parts
    const { dryRun } = plan
    const watched = defineGate((dryRun ? onTrial(gate, observer) : gate).core, { observer })
    return protect(forward, {
      gate: watched,
      bypass: (req) => {
        const { lane, res } = visitorOf(req)!
        const free = lane === 'critical' || isHealthPath(req.url ?? '')
        if (free) whenEnded(res, recorder.passed('critical'))
        return free
      },
      arrival: (req) => visitorOf(req)!.arrival,
      trust: trust(plan.listen.trustedProxies),
      body: plan.refusals,
      load: () => this.#load(gate),
      ...(this.givingUp && { degradation: this.givingUp }),
      ...(route.timeout !== undefined && { timeout: route.timeout }),
      ...(dryRun && { dryRun }),
      onReject: (rejection, req) => {
        // What the gates refuse they have told already.
        const visitor = visitorOf(req)
        if (visitor !== undefined && this.#isOurs(rejection.gate)) observer.rejected?.(visitor.arrival, rejection)
        return isGrpc(req) ? grpcRefusal(rejection) : undefined
      },
    })
  }

  /** What is in progress as a share of the limit, or how busy the upstream says it is, where that is more. */
  #load({ stats: { inflight, limit } }: Gate): number | undefined {
    const told = this.#parts.balancer?.told
    if (!(limit > 0 && limit < Infinity)) return told
    return Math.max(inflight / limit, told ?? 0)
  }

  /** A refusal by a step of degradation, which no gate has heard of. */
  #isOurs(gate: string): boolean {
    return this.#parts.plan.degradation.some(({ step }) => step === gate)
  }

  #degradation(units: readonly LimitUnit[]): Degradation<IncomingMessage> | undefined {
    const { plan, cache, shows, route, recorder } = this.#parts
    // A spent quota of requests is no sign that anything is busy.
    const busy = units.filter(({ plan: limit }) => limit.kind !== 'rate').map(({ gate }) => gate.pressure)
    if (plan.degradation.length === 0 || busy.length === 0) return undefined
    const { degradation: steps, dryRun } = plan
    const { hostHeader } = plan.upstreams[route.upstream]!
    const pressure = worst(...busy)
    return givingUp({
      steps,
      pressure,
      cache,
      upstream: route.upstream,
      hostHeader,
      shows,
      dryRun,
      onKept: ({ lane, res }) => whenEnded(res, recorder.passed(lane)),
    })
  }

  #visitor(req: IncomingMessage, res: ServerResponse): Visitor {
    const { route, era } = this.#parts
    const began = systemClock.now()
    if (this.#plain)
      return new Visitor({ priority: 2, flow: undefined, deadline: undefined, lane: 'normal', began, req, res, era })
    const caller = this.#parts.callerOf(req)
    const { trusted } = caller
    const lane = this.#parts.laneOf?.(caller) ?? route.lane
    const asked = trusted && lane === undefined ? urgency(caller.header('priority')) : undefined
    const priority = lane === undefined || lane === 'critical' ? (asked ?? LANES.normal) : LANES[lane]
    return new Visitor({
      priority,
      flow: identityOf(req)?.tenant,
      deadline: this.#deadline(caller, trusted, began),
      lane: lane ?? SPOKEN[priority]!,
      began,
      req,
      res,
      era,
    })
  }

  #deadline(caller: Caller<IncomingMessage>, trusted: boolean, began: Instant): Instant | undefined {
    const told = trusted ? timeLeft((name) => caller.header(name)) : undefined
    const left = Math.min(this.#parts.route.deadline ?? Infinity, told ?? Infinity)
    return left === Infinity ? undefined : began + left
  }
}

/** Lets everybody in, and is told of those whom the gate would have refused. */
function onTrial(gate: Gate, observer: Observer): Gate {
  return shadow(gate, { rejected: (arrival, rejection) => observer.rejected?.(arrival, rejection) })
}

function whenEnded(res: ServerResponse, ended: (good: boolean) => void): void {
  res.once('close', () => ended(res.writableFinished && res.statusCode < 500))
}

/** Says that the store of the fleet is gone, and what decides meanwhile. */
function tellDegraded(res: ServerResponse, policy: string): void {
  res.setHeader('sluice-degraded', `fleet=${policy}`)
}
