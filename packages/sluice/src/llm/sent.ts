import type { Instant, Millis } from '../ground/index.ts'
import type { Amounts } from './charges.ts'
import type { BudgetName } from './profile.ts'
import { JITTER } from './shadow-buckets.ts'

/** What is sent, and not answered, for no longer than this may not have been counted by the provider yet, in ms. */
export const ON_ITS_WAY: Millis = JITTER

/** A request that was sent. */
export interface SentRequest {
  readonly at: Instant
  readonly amounts: Readonly<Amounts>
  /** When; Infinity as long as it is not. */
  answered: Instant
}

/** What this process has sent of late. */
export class Sent {
  readonly #requests: SentRequest[] = []

  add(amounts: Readonly<Amounts>, now: Instant): SentRequest {
    const request = { at: now, amounts, answered: Infinity }
    this.#requests.push(request)
    if (this.#requests.length > 16) this.#forget(now)
    return request
  }

  #forget(now: Instant): void {
    const all = this.#requests
    let old = 0
    while (old < all.length && now - all[old]!.at > ON_ITS_WAY) old++
    if (old > 0) all.splice(0, old)
  }

  /** Sent since then and not answered: the provider may not have counted it. */
  unanswered(name: BudgetName, since: Instant): number {
    let sum = 0
    for (let at = this.#requests.length - 1; at >= 0; at--) {
      const request = this.#requests[at]!
      if (request.at <= since) break
      if (request.answered === Infinity) sum += request.amounts[name] ?? 0
    }
    return sum
  }

  /** What was under way together with one that was counted after `since`: it may have been before that one or after it. */
  overlap(name: BudgetName, request: SentRequest, since: Instant): number {
    return this.#requests.reduce((sum, other) => {
      const isCounted = Math.min(other.answered, other.at + ON_ITS_WAY) <= since
      return isCounted || other === request ? sum : sum + (other.amounts[name] ?? 0)
    }, 0)
  }

  /** How many were sent within {@link ON_ITS_WAY}. */
  lately(now: Instant): number {
    return this.#requests.reduce((sum, { at }) => (now - at <= ON_ITS_WAY ? sum + 1 : sum), 0)
  }
}
