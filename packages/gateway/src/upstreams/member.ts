import type { Clock, Instant, Millis } from 'sluice'
import { loadTold } from 'sluice/undici'
import type { Upstream, UpstreamCall, UpstreamFailure, UpstreamReceiver, UpstreamRequest } from '../proxy/index.ts'
import { Condition } from './condition.ts'

/** What a server said of its own load is forgotten after this, in ms. */
const TOLD_FOR: Millis = 10_000
/** However full one says it is: it is asked now and then, or nobody would hear that it is no longer. */
const LEAST_ROOM = 0.05

export interface MemberOptions {
  readonly upstream: Upstream
  /** Scheme, host and port. */
  readonly origin: string
  readonly weight: number
  /** Whose `host` it sees; `undefined`: the one the request has. */
  readonly host: string | undefined
  readonly condition: Condition
  readonly clock: Clock
}

/** One server behind the gateway: what is on its way to it, and how it does. */
export class Member {
  readonly origin: string
  readonly weight: number
  readonly condition: Condition
  readonly upstream: Upstream
  inflight = 0
  answered = 0
  failed = 0
  readonly #host: string | undefined
  readonly #clock: Clock
  #told = 0
  #toldAt: Instant = -Infinity

  constructor({ upstream, origin, weight, host, condition, clock }: MemberOptions) {
    this.upstream = upstream
    this.origin = origin
    this.weight = weight
    this.condition = condition
    this.#host = host
    this.#clock = clock
  }

  /** Its utilisation as it said it lately; `undefined` where it did not. */
  get told(): number | undefined {
    return this.#clock.now() - this.#toldAt < TOLD_FOR ? this.#told : undefined
  }

  /** How busy it would be with one request more, for comparison: the less the better. */
  get burden(): number {
    // Most servers never say anything: then no clock is read.
    const told = this.#toldAt === -Infinity ? 0 : (this.told ?? 0)
    return (this.inflight + 1) / (this.weight * Math.max(LEAST_ROOM, 1 - told))
  }

  send(request: UpstreamRequest, receiver: UpstreamReceiver): UpstreamCall {
    this.inflight++
    this.condition.asked()
    const errand = new Errand(this, receiver)
    errand.sent(this.upstream.send(this.#host === undefined ? request : addressed(request, this.#host), errand))
    return errand
  }

  hear(headers: readonly string[]): void {
    if (!headers.some(saysLoad)) return
    const load = loadTold((name) => headerIn(headers, name))
    const told = load?.utilization ?? load?.pressure
    if (told === undefined) return
    this.#told = told
    this.#toldAt = this.#clock.now()
  }
}

/** A request on its way to a member: counted until it ends, however it does. */
class Errand implements UpstreamReceiver, UpstreamCall {
  readonly #member: Member
  readonly #receiver: UpstreamReceiver
  #call: UpstreamCall | undefined
  #over = false
  #good: boolean | undefined

  constructor(member: Member, receiver: UpstreamReceiver) {
    this.#member = member
    this.#receiver = receiver
  }

  sent(call: UpstreamCall): void {
    this.#call = call
  }

  head(status: number, reason: string, headers: readonly string[]): void {
    // 503 is no illness but an honest refusal: taking the server out would send its load to the others.
    this.#good = status === 503 ? undefined : status !== 502 && status !== 504
    this.#member.hear(headers)
    this.#receiver.head(status, reason, headers)
  }

  data(chunk: Uint8Array): void {
    this.#receiver.data(chunk)
  }

  end(): void {
    if (this.#settle(this.#good)) this.#member.answered++
    this.#receiver.end()
  }

  failed(failure: UpstreamFailure): void {
    const ours = failure.code === 'BAD_REQUEST'
    if (this.#settle(ours ? undefined : false) && !ours) this.#member.failed++
    this.#receiver.failed(failure)
  }

  abort(): void {
    this.#settle(undefined)
    this.#call?.abort()
  }

  pause(): void {
    this.#call?.pause()
  }

  resume(): void {
    this.#call?.resume()
  }

  #settle(good: boolean | undefined): boolean {
    if (this.#over) return false
    this.#over = true
    this.#member.inflight--
    this.#member.condition.answered(good)
    return true
  }
}

function addressed(request: UpstreamRequest, host: string): UpstreamRequest {
  const headers = [...request.headers]
  for (let i = 0; i < headers.length; i += 2) if (headers[i] === 'host') headers[i + 1] = host
  return { ...request, headers }
}

const LOAD: ReadonlySet<string> = new Set(['endpoint-load-metrics', 'sluice-pressure'])

function saysLoad(name: string, at: number): boolean {
  return at % 2 === 0 && (name.length === 21 || name.length === 15) && LOAD.has(name.toLowerCase())
}

function headerIn(headers: readonly string[], name: string): string | undefined {
  for (let i = 0; i < headers.length; i += 2) if (headers[i]!.toLowerCase() === name) return headers[i + 1]
  return undefined
}
