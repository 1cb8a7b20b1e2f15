import type { IncomingMessage } from 'node:http'
import type { Pressure, Signal } from 'sluice'
import {
  cachedOnly,
  degradation,
  readOnly,
  type Caller,
  type Degradation,
  type DegradationStep,
  type RefusedResponse,
} from 'sluice/http'
import type { StepPlan } from '../config/index.ts'
import { cacheControl, cacheKey, serveKept, type ResponseCache } from '../cache/index.ts'
import { visitorOf, type Visitor } from './visitor.ts'

export interface GivingUpOptions {
  readonly steps: readonly StepPlan[]
  /** Of the route's own limits. */
  readonly pressure: Signal<Pressure>
  readonly cache: ResponseCache | undefined
  /** Of the upstream, which answers are kept under. */
  readonly upstream: string
  readonly hostHeader: 'client' | 'upstream'
  /** True for a request that says who it is. */
  readonly shows: (header: (name: string) => string | undefined) => boolean
  /** Nobody is refused, and nobody is answered from the cache. */
  readonly dryRun: boolean
  /** Told of those who are answered from the cache, before they are. */
  readonly onKept: (visitor: Visitor) => void
}

/** What the response was written with already says nothing more. */
const WRITTEN: RefusedResponse = { status: 200, headers: {}, body: '' }

/** The steps of one route (requirement S3.12). */
export function givingUp(options: GivingUpOptions): Degradation<IncomingMessage> {
  return degradation({ pressure: options.pressure, steps: options.steps.map((step) => stepOf(step, options)) })
}

function stepOf({ step, above, until }: StepPlan, options: GivingUpOptions): DegradationStep<IncomingMessage> {
  if (step === 'read-only') return { ...readOnly<IncomingMessage>(above), until }
  return { ...cachedOnly<IncomingMessage>((caller) => answered(caller, options), above), until }
}

/**
 * Answers from the cache, if that can. What a door writes itself is text; what was kept is bytes: so it is written here,
 * and the door, which writes nothing where somebody else has answered, is told so.
 */
function answered(caller: Caller<IncomingMessage>, options: GivingUpOptions): RefusedResponse | undefined {
  const { cache, upstream, hostHeader, shows, dryRun } = options
  const { request: req, method } = caller
  const visitor = visitorOf(req)
  if (cache === undefined || dryRun || visitor === undefined || (method !== 'GET' && method !== 'HEAD'))
    return undefined
  const header = (name: string): string | undefined => caller.header(name)
  if (header('range') !== undefined) return undefined
  const control = cacheControl(header('cache-control'))
  if (control.has('no-store') || control.has('no-cache')) return undefined
  // From others than trusted proxies these say nothing, and are not passed on.
  const believed = (name: string): string | undefined => (caller.trusted ? header(name) : undefined)
  const key = cacheKey({
    name: upstream,
    hostHeader,
    host: header('host'),
    forwardedHost: believed('x-forwarded-host'),
    proto: believed('x-forwarded-proto'),
    target: req.url ?? '',
  })
  const now = Date.now()
  const found = cache.find(key, header, shows(header), now)
  if (found === undefined) return undefined
  options.onKept(visitor)
  serveKept(req, visitor.res, found, now)
  return WRITTEN
}
