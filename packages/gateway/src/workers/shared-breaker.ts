import { breaker, consecutive, type Breaker, type Clock, type Instant, type Permit } from 'sluice'
import type { BreakerConfig } from '../config/index.ts'
import type { BreakerDecision, BreakerTold } from './breaker-news.ts'
import { InCommon, type Keeper } from './in-common.ts'
import { machineClock } from './machine-clock.ts'

export interface SharedBreakerOptions extends BreakerConfig {
  /** Shows the same time as that of the workers. */
  readonly clock: Clock
  readonly send: (member: string, decision: BreakerDecision) => void
}

/** How long is gathered what workers tell, in ms: as long as they keep it. What happened is then judged in its order. */
const GATHERED = 10

/**
 * A breaker that several workers share. What came of what they sent passes one breaker here; they are told how it stands,
 * and ask for the place of each probe, so that there are never more than it lets in.
 */
export class SharedBreaker implements Keeper<BreakerTold> {
  readonly #options: SharedBreakerOptions
  readonly #breaker: Breaker
  /** Who is on his way as a probe, by his number, of each member. */
  readonly #probes = new Map<string, Map<number, Permit>>()
  #events: { readonly at: Instant; readonly failed: boolean }[] = []
  #gathers = false
  /** When it opened, or a probe was let in last. */
  #since: Instant = 0
  #told: BreakerDecision = { state: 'closed', era: 1, until: 0 }

  constructor(options: SharedBreakerOptions) {
    const { failures, openFor, probes, clock } = options
    this.#options = options
    this.#breaker = breaker({ rule: consecutive(failures), openFor, probes, clock })
  }

  get members(): readonly string[] {
    return [...this.#probes.keys()]
  }

  hear(member: string, { events, era, asks, probed }: BreakerTold): void {
    const { clock, send } = this.#options
    let probes = this.#probes.get(member)
    if (probes === undefined) {
      this.#probes.set(member, (probes = new Map()))
      send(member, this.#told)
    }
    if (era === this.#told.era)
      for (let at = 0; at < events.length; at += 2) this.#events.push({ at: events[at]!, failed: events[at + 1] === 1 })
    if (this.#events.length > 0 && !this.#gathers) {
      this.#gathers = true
      clock.after(GATHERED, () => this.#judge(), { background: true })
    }
    if (probed !== undefined) {
      probes.get(probed.number)?.release(probed.outcome)
      probes.delete(probed.number)
      this.#look()
    }
    if (asks !== undefined) this.#asked(member, probes, asks)
  }

  gone(member: string): void {
    const probes = this.#probes.get(member)
    this.#probes.delete(member)
    for (const permit of probes?.values() ?? []) permit.release('ignored')
    this.#look()
  }

  #judge(): void {
    this.#gathers = false
    const events = this.#events.sort((a, b) => a.at - b.at)
    this.#events = []
    for (const { failed } of events) {
      if (this.#breaker.state.value !== 'closed') break
      const verdict = this.#breaker.tryEnter()
      if (verdict.admitted) verdict.release(failed ? 'failure' : 'success')
    }
    this.#look()
  }

  #asked(member: string, probes: Map<number, Permit>, number: number): void {
    const { clock, send } = this.#options
    const verdict = this.#breaker.tryEnter()
    const { admitted } = verdict
    if (admitted) {
      probes.set(number, verdict)
      this.#since = clock.now()
    }
    this.#look()
    send(member, { ...this.#told, answer: { number, admitted } })
  }

  /** Tells all how it stands, if that is news. */
  #look(): void {
    const { clock, openFor, send } = this.#options
    const { stats, state } = this.#breaker
    const before = this.#told
    const era = state.value === before.state ? before.era : before.era + 1
    if (era !== before.era && state.value === 'open') this.#since = clock.now()
    const isFull = state.value !== 'closed' && stats.inflight >= stats.limit
    // While all places are taken: until the breaker takes those for lost who have them.
    const until = isFull ? this.#since + openFor : 0
    if (era === before.era && until === before.until) return
    this.#told = { state: state.value, era, until }
    for (const member of this.members) send(member, this.#told)
  }
}

/** What is equal in two workers is one breaker: whose it is, and its rule. */
export function breakerKey(name: string, { failures, openFor, probes }: BreakerConfig): string {
  return JSON.stringify([name, { failures, openFor, probes }])
}

/** The breakers that workers share. */
export class SharedBreakers extends InCommon<BreakerTold, BreakerDecision, SharedBreaker> {
  protected begun(key: string, send: (member: string, decision: BreakerDecision) => void): SharedBreaker {
    const [, rule] = JSON.parse(key) as [string, BreakerConfig]
    return new SharedBreaker({ ...rule, clock: machineClock, send })
  }
}
