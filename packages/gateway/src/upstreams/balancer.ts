import type { LookupFunction } from 'node:net'
import { systemClock, systemRandom, type Clock, type Random } from 'sluice'
import type { UpstreamConfig } from '../config/index.ts'
import { guardedLookup } from '../outward/index.ts'
import {
  upstreamClient,
  type Upstream,
  type UpstreamCall,
  type UpstreamReceiver,
  type UpstreamRequest,
} from '../proxy/index.ts'
import { Below } from './below.ts'
import { Condition } from './condition.ts'
import { HealthCheck } from './health-check.ts'
import { Member } from './member.ts'

export interface BalancerOptions {
  readonly clock?: Clock
  readonly random?: Random
  /** The client for one server. Default: the raw one. */
  readonly connect?: (origin: URL) => Upstream
  /** Says where names lead. Default: the system's. Link-local addresses are left out, unless the configuration allows them. */
  readonly lookup?: LookupFunction
  /** For people. Default `upstream`. */
  readonly name?: string
  /** Whom a request is from, as far as a quota of the upstream may be theirs. Default: nobody is told apart. */
  readonly keyOf?: (client: object) => string | undefined
}

/**
 * Several servers as one. Of two chosen at random the less busy one is asked: by what is on its way to it, its weight, and
 * what it says of its own load (ORCA). The power of two choices (Mitzenmacher, 2001) comes close to the best choice, and
 * does not send everybody to the one that looks best for a moment. Where none is fit all are asked: a broken health
 * check must not be worse than none.
 */
export class Balancer implements Upstream {
  readonly members: readonly Member[]
  /** What it says of its own overload. */
  readonly below: Below
  /** Says where the names of its servers lead. */
  readonly lookup: LookupFunction | undefined
  readonly #checks: readonly HealthCheck[]
  readonly #random: Random

  constructor(config: UpstreamConfig, options: BalancerOptions = {}) {
    const { clock = systemClock, random = systemRandom, name = 'upstream', keyOf = (): string => '' } = options
    const { servers, hostHeader, health, passive, timeouts, allowLinkLocal, http2 } = config
    const lookup = allowLinkLocal ? options.lookup : guardedLookup(options.lookup)
    this.lookup = lookup
    const connect =
      options.connect ??
      ((origin: URL): Upstream =>
        upstreamClient({
          origin,
          connectTimeout: timeouts.connect,
          headersTimeout: timeouts.headers,
          bodyTimeout: timeouts.body,
          lookup,
          http2,
        }))
    this.#random = random
    this.below = new Below({ name, clock, keyOf, inflight: () => this.inflight })
    const { failAfter = 1, passAfter = 1 } = health ?? {}
    this.members = servers.map(({ url, weight }) => {
      const origin = new URL(url)
      return new Member({
        upstream: connect(origin),
        origin: origin.origin,
        weight,
        // With one server the headers are right from the start.
        host: hostHeader === 'upstream' && servers.length > 1 ? origin.host : undefined,
        condition: new Condition({ failAfter, passAfter, ...passive, clock }),
        clock,
        below: this.below,
      })
    })
    this.#checks =
      health === undefined ? [] : this.members.map((member) => new HealthCheck(member, { ...health, clock, random }))
  }

  /** On their way now. */
  get inflight(): number {
    let sum = 0
    for (const member of this.members) sum += member.inflight
    return sum
  }

  /** How busy its servers say they are, on average of those that do; `undefined` where none does. */
  get told(): number | undefined {
    const told = this.members.flatMap((member) => member.told ?? [])
    return told.length === 0 ? undefined : told.reduce((sum, each) => sum + each, 0) / told.length
  }

  send(request: UpstreamRequest, receiver: UpstreamReceiver): UpstreamCall {
    return this.choose().send(request, receiver)
  }

  /** Whom to ask next. */
  choose(): Member {
    const { members } = this
    if (members.length === 1) return members[0]!
    const fit = members.filter((member) => member.condition.fit)
    const from = fit.length === 0 ? members : fit
    const first = Math.floor(this.#random() * from.length)
    if (from.length === 1) return from[0]!
    const second = (first + 1 + Math.floor(this.#random() * (from.length - 1))) % from.length
    const [a, b] = [from[first]!, from[second]!]
    return b.burden < a.burden ? b : a
  }

  async close(): Promise<void> {
    for (const check of this.#checks) check.stop()
    await Promise.all(this.members.map((member) => member.upstream.close()))
  }
}
