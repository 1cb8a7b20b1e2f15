import type { Clock, Instant, Millis } from 'sluice'
import { loadTold } from 'sluice/undici'
import {
  refusalBelow,
  type Upstream,
  type UpstreamCall,
  type UpstreamFailure,
  type UpstreamReceiver,
  type UpstreamRequest,
} from '../proxy/index.ts'
import { LOAD_FORMAT } from 'sluice/http'
import type { Below } from './below.ts'
import { Condition } from './condition.ts'

/** What a server said of its own load is forgotten after this, in ms. */
const TOLD_FOR: Millis = 10_000
/** However full one says it is: it is asked now and then, or nobody would hear that it is no longer. */
const LEAST_ROOM = 0.05
/** How often a server is asked for its load, in ms. */
const ASK_EVERY: Millis = 100

export interface MemberOptions {
  readonly upstream: Upstream
  /** Scheme, host and port. */
  readonly origin: string
  readonly weight: number
  /** Whose `host` it sees; `undefined`: the one the request has. */
  readonly host: string | undefined
  readonly condition: Condition
  readonly clock: Clock
  readonly below: Below
}

/**
 * How a server speaks of its load: `silent` (never, as most do), `heard` lately, or `broken`: it did and does no longer, or
 * it refuses without saying when to come back, so that what it needs does not reach the door.
 */
export type Link = 'silent' | 'heard' | 'broken'

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
  #askedAt: Instant = -Infinity
  #answeredAt: Instant = -Infinity
  /** Refused here, and how many of these did not say when to come back. */
  refused = 0
  mute = 0
  #muteAt: Instant = -Infinity
  /** When it said with a refusal when to come back. */
  #backAt: Instant = -Infinity
  readonly below: Below

  constructor({ upstream, origin, weight, host, condition, clock, below }: MemberOptions) {
    this.below = below
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

  /** How it speaks of its load. */
  get link(): Link {
    const now = this.#clock.now()
    if (now - this.#muteAt < TOLD_FOR) return 'broken'
    if (now - this.#backAt < TOLD_FOR) return 'heard'
    if (this.#toldAt === -Infinity) return 'silent'
    // One that is not asked anything need not say anything.
    return this.#answeredAt - this.#toldAt > TOLD_FOR ? 'broken' : 'heard'
  }

  send(request: UpstreamRequest, receiver: UpstreamReceiver): UpstreamCall {
    this.inflight++
    this.condition.asked()
    const errand = new Errand(this, receiver, request.client)
    const to = this.#host === undefined ? request : addressed(request, this.#host)
    errand.sent(this.upstream.send(this.#isToAsk() ? asking(to) : to, errand))
    return errand
  }

  /** Counts something that is sent by another way. Returns what ends it, with how it went, and why that is not good. */
  occupy(): (good: boolean | undefined, wrong: string) => void {
    this.inflight++
    this.condition.asked()
    return (good, wrong) => {
      this.inflight--
      this.condition.answered(good, wrong)
      if (good === true) this.done()
      else if (good === false) this.failed++
    }
  }

  /** Learns from the head of an answer. Returns the headers that are for the client. */
  hear(status: number, headers: readonly string[], client: object | undefined): readonly string[] {
    const { below } = this
    const refusing = status === 503 || status === 429
    const speaks = headers.some(speaksOfLoad)
    if (refusing || speaks) below.heard(status, (name) => headerIn(headers, name), client)
    if (refusing) {
      this.refused++
      if (headerIn(headers, 'retry-after') === undefined && headerIn(headers, 'retry-after-ms') === undefined) {
        this.mute++
        this.#muteAt = this.#clock.now()
      } else this.#backAt = this.#clock.now()
    } else if (!below.calm && status < 500) below.answered(client)
    if (!speaks) return headers
    const load = loadTold((name) => headerIn(headers, name))
    const told = load?.utilization ?? load?.pressure
    if (told !== undefined) {
      this.#told = told
      this.#toldAt = this.#clock.now()
      if (told > 1) below.overloaded(told)
    }
    // What was said to the gateway; its clients are told of the gateway's own load.
    return without(headers, 'endpoint-load-metrics')
  }

  /** Now and then, and only of those who do something. */
  #isToAsk(): boolean {
    const now = this.#clock.now()
    if (now - this.#askedAt < ASK_EVERY) return false
    this.#askedAt = now
    return true
  }

  done(): void {
    this.answered++
    if (this.#toldAt !== -Infinity) this.#answeredAt = this.#clock.now()
  }
}

/** A request on its way to a member: counted until it ends, however it does. */
class Errand implements UpstreamReceiver, UpstreamCall {
  readonly #member: Member
  readonly #receiver: UpstreamReceiver
  #call: UpstreamCall | undefined
  #over = false
  #good: boolean | undefined
  #wrong = ''
  #headers: readonly string[] = []

  readonly #client: object | undefined

  constructor(member: Member, receiver: UpstreamReceiver, client: object | undefined) {
    this.#client = client
    this.#member = member
    this.#receiver = receiver
  }

  sent(call: UpstreamCall): void {
    this.#call = call
  }

  head(status: number, reason: string, headers: readonly string[]): void {
    this.#headers = headers
    this.#receiver.head(status, reason, this.#hear(status, headers))
  }

  data(chunk: Uint8Array): boolean | void {
    return this.#receiver.data(chunk)
  }

  end(trailers?: readonly string[]): void {
    const last = trailers ?? this.#headers
    const refusal = refusalBelow((name) => headerIn(last, name))
    if (refusal !== undefined) this.#hear(refusal.status, refusal.headers)
    if (this.#settle(this.#good)) this.#member.done()
    this.#receiver.end(trailers)
  }

  failed(failure: UpstreamFailure): void {
    const ours = failure.code === 'BAD_REQUEST'
    this.#wrong = failure.message
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

  #hear(status: number, headers: readonly string[]): readonly string[] {
    // 503 is no illness but an honest refusal: taking the server out would send its load to the others.
    this.#good = status === 503 ? undefined : status !== 502 && status !== 504
    this.#wrong = answeredWith(status)
    return this.#member.hear(status, headers, this.#client)
  }

  #settle(good: boolean | undefined): boolean {
    if (this.#over) return false
    this.#over = true
    this.#member.inflight--
    this.#member.condition.answered(good, this.#wrong)
    return true
  }
}

/** What is wrong with a server, for people. */
export function answeredWith(status: number): string {
  return `it answers with ${status}`
}

function addressed(request: UpstreamRequest, host: string): UpstreamRequest {
  const headers = [...request.headers]
  for (let i = 0; i < headers.length; i += 2) if (headers[i] === 'host') headers[i + 1] = host
  return { ...request, headers }
}

function asking(request: UpstreamRequest): UpstreamRequest {
  const { headers } = request
  if (headerIn(headers, LOAD_FORMAT) !== undefined) return request
  return { ...request, headers: [...headers, LOAD_FORMAT, 'TEXT'] }
}

const LOAD: ReadonlySet<string> = new Set(['endpoint-load-metrics', 'sluice-pressure', 'ratelimit'])

function speaksOfLoad(name: string, at: number): boolean {
  const { length } = name
  return at % 2 === 0 && (length === 21 || length === 15 || length === 9) && LOAD.has(name.toLowerCase())
}

function headerIn(headers: readonly string[], name: string): string | undefined {
  for (let i = 0; i < headers.length; i += 2)
    if (headers[i]!.length === name.length && headers[i]!.toLowerCase() === name) return headers[i + 1]
  return undefined
}

function without(headers: readonly string[], name: string): string[] {
  return headers.filter((_, at) => headers[at - (at % 2)]!.toLowerCase() !== name)
}
