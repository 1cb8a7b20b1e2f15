import type { Millis, RejectionCode } from '../ground/index.ts'
import type { BreakerState } from '../gate/index.ts'
import type { ChargeMode } from './charging.ts'
import { FLOW } from './feedback.ts'
import type { BudgetName, RefusalClass } from './profile.ts'
import { NOTHING, type Quota } from './quota.ts'

/** How one limit stands. Figures of the provider's limit are tokens, requests, or millionths of a dollar. */
export interface BudgetStatus {
  /** What was declared, and in how many ms. */
  readonly limit: number
  readonly per: Millis
  /** What the provider's headers say it is, where they do. */
  readonly told: number | undefined
  /** What its headers last said is left, where they do: it was so when they came. */
  readonly left: number | undefined
  /** Left for all processes, as far as is known here; below 0 while in debt. */
  readonly available: number
  /** At hand in this process, beside that. */
  readonly held: number
  /** The most there can be at one instant. */
  readonly capacity: number
  /** What this process uses, as a part of the limit, over the last minute or so. */
  readonly utilization: number
  /** What the provider last said is left, less what is kept free, less what was thought to be: below 0 others use it too. */
  readonly drift: number | undefined
  /** How it is counted; `undefined` for requests and money. */
  readonly mode: ChargeMode | undefined
  /** The way of counting that fits the provider's headers; `undefined` as long as nothing can be said. */
  readonly fits: ChargeMode | undefined
  /** What others seem to use of it, as a part of the limit. */
  readonly foreign: number
}

/** How one model stands. */
export interface ModelStatus {
  readonly provider: string
  readonly model: string
  readonly budgets: Readonly<Partial<Record<BudgetName, BudgetStatus>>>
  /** In progress here, and the most there may be. */
  readonly inflight: number
  readonly concurrency: number
  /** Waiting here. */
  readonly queued: number
  /** How long an ordinary request of no tokens would wait now, in ms. */
  readonly expectedWait: Millis
  /** Half and nine tenths of those who were let in had waited no longer than this, in ms. */
  readonly waited: { readonly p50: Millis; readonly p90: Millis }
  /** How much longer nobody sends because the provider said so, in ms. */
  readonly heldFor: Millis
  readonly breaker: BreakerState
  /** The part of the limits that may be used while traffic has to grow slowly. */
  readonly ramp: number
  /** What prompts really had, as a part of what was estimated. */
  readonly estimate: number
  readonly begun: number
  readonly settled: number
  /** Ended without a word of what was used: the charge was kept. */
  readonly unknown: number
  /** Calls of which nothing was heard for too long: see `overdue`. */
  readonly overdue: number
  /** How long the oldest call in progress here has been, in ms; 0 where there is none. */
  readonly oldest: Millis
  /** Refusals of the provider, by class, and how many were 429. */
  readonly refusals: Readonly<Partial<Record<RefusalClass, number>>>
  readonly status429: number
  /** Requests the pool refused, by code. */
  readonly rejections: Readonly<Partial<Record<RejectionCode, number>>>
  /** Tokens used, as settled. */
  readonly used: { readonly input: number; readonly output: number }
  /** Processes that share the limits, when last heard of; and whether the store can be reached. */
  readonly processes: number
  readonly store: 'up' | 'down'
}

/** Reads one model's state. */
export function statusOf(quota: Quota): ModelStatus {
  const { gate, limits, tally, feedback, charges, turns } = quota
  const shared = gate.status(FLOW)
  const budgets: Partial<Record<BudgetName, BudgetStatus>> = {}
  for (const { name, limit, profile } of limits.budgets) {
    const { available, held, capacity } = shared[name]!
    const check = feedback.conformityOf(name)
    const { per } = profile
    budgets[name] = {
      limit,
      per,
      told: feedback.toldLimit(name),
      left: feedback.leftOf(name),
      available,
      held,
      capacity,
      utilization: (tally.rateOf(name) * per) / limit,
      drift: feedback.driftOf(name),
      mode: charges.modeOf(name),
      fits: check?.fits,
      foreign: ((check?.foreign ?? 0) * per) / limit,
    }
  }
  const { refusals, rejections, status429, begun, settled, abandoned, waits } = tally
  return {
    provider: limits.profile.provider,
    model: limits.model,
    budgets,
    inflight: quota.inflight,
    concurrency: limits.concurrency,
    queued: turns.line.size,
    expectedWait: quota.expectedWait(NOTHING, '', 2),
    waited: { p50: waits.at(0.5), p90: waits.at(0.9) },
    heldFor: gate.heldFor(FLOW),
    breaker: quota.breaker.state.value,
    ramp: feedback.rampAt(quota.clock.now()),
    estimate: quota.bias.ratio,
    begun,
    settled,
    unknown: abandoned,
    overdue: tally.overdue,
    oldest: quota.clock.now() - (quota.overdue.oldest ?? quota.clock.now()),
    refusals: { ...refusals },
    status429,
    rejections: { ...rejections },
    used: { input: tally.input, output: tally.output },
    processes: gate.state.sessions,
    store: gate.state.health,
  }
}
