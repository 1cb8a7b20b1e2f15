import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Arrival, Instant, Priority } from 'sluice'
import type { Lane } from 'sluice/http'
import type { GatewayPlan } from '../config/index.ts'
import type { Recorded } from '../live/index.ts'
import type { Identity } from '../tenants/index.ts'

/** The plan requests come under, running. */
export interface Era {
  readonly plan: Pick<GatewayPlan, 'dryRun'>
}

/** A request on its way through the gateway: what its gates are asked with, and what is remembered of it. */
export class Visitor implements Recorded {
  readonly priority: Priority
  /** Of an {@link Arrival}: whom to be fair to. */
  readonly flow: string | undefined
  readonly deadline: Instant | undefined
  readonly lane: Lane
  readonly began: Instant
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly era: Era

  constructor(parts: VisitorParts) {
    this.priority = parts.priority
    this.flow = parts.flow
    this.deadline = parts.deadline
    this.lane = parts.lane
    this.began = parts.began
    this.req = parts.req
    this.res = parts.res
    this.era = parts.era
  }

  get tenant(): string | undefined {
    return this.flow
  }

  /** True where nobody is refused: what its gates say is only noted. */
  get trial(): boolean {
    return this.era.plan.dryRun
  }

  get method(): string {
    return this.req.method ?? ''
  }

  get target(): string {
    return this.req.url ?? ''
  }

  /** As gates see it: what is not there is `undefined`, which none of them tells from missing. */
  get arrival(): Arrival {
    return this as unknown as Arrival
  }
}

/** What a {@link Visitor} is made of. */
export type VisitorParts = Omit<Visitor, 'tenant' | 'trial' | 'method' | 'target' | 'arrival'>

const VISITOR: unique symbol = Symbol('sluice.visitor')
const IDENTITY: unique symbol = Symbol('sluice.identity')

interface Marked {
  [VISITOR]?: Visitor
  [IDENTITY]?: Identity
}

// Properties of the request: a WeakMap costs ten times as much at every request.

export function setVisitor(req: IncomingMessage, visitor: Visitor): void {
  ;(req as Marked)[VISITOR] = visitor
}

/** `undefined` for what has not been routed. */
export function visitorOf(req: IncomingMessage): Visitor | undefined {
  return (req as Marked)[VISITOR]
}

export function setIdentity(req: IncomingMessage, identity: Identity): void {
  ;(req as Marked)[IDENTITY] = identity
}

export function identityOf(req: IncomingMessage): Identity | undefined {
  return (req as Marked)[IDENTITY]
}
