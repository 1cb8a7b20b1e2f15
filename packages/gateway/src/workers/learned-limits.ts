import { adaptive } from 'sluice'
import { algorithmOf, begunAt, type LimitPlan } from '../config/index.ts'
import { InCommon } from './in-common.ts'
import { machineClock } from './machine-clock.ts'
import type { PartDecision, PartTold } from './part-news.ts'
import { SharedLimit } from './shared-limit.ts'

type Limits = Readonly<Record<string, LimitPlan>>
type Learned = Extract<LimitPlan, { readonly kind: 'adaptive' }>

/** What is equal in two workers is one limit: its name, and how it is found. */
export function learnedKey(name: string, { algorithm, min, max, initial }: Learned): string {
  return JSON.stringify([name, { algorithm, min, max, initial }])
}

/** The limits that workers share and that find themselves. */
export class LearnedLimits extends InCommon<PartTold, PartDecision, SharedLimit> {
  /** What another plan is about to take the place of; empty while none is. */
  #before: Limits = {}

  /** Another plan is about to take the place of this one. What only earlier ones had goes on with whom it has. */
  leaving(limits: Limits): void {
    this.#before = limits
    const learned = Object.entries(limits).flatMap(([name, limit]) =>
      limit.kind === 'adaptive' ? learnedKey(name, limit) : [],
    )
    const keys = new Set(learned)
    for (const key of this.kept.keys()) if (!keys.has(key)) this.kept.delete(key)
  }

  /** That is done. */
  left(): void {
    this.#before = {}
  }

  protected begun(key: string, send: (member: string, decision: PartDecision) => void): SharedLimit {
    const [name, plan] = JSON.parse(key) as [string, Learned]
    const stood = this.#stood(name)
    const algorithm = algorithmOf(stood === undefined ? plan : begunAt(plan, stood)) ?? adaptive()
    return new SharedLimit({ algorithm, clock: machineClock, send })
  }

  /** Where the limit of that name stands: to begin from nothing would refuse most of those who were let in a moment ago. */
  #stood(name: string): number | undefined {
    const last = Object.hasOwn(this.#before, name) ? this.#before[name] : undefined
    if (last?.kind === 'fixed') return last.by === 'all' && last.fleet === undefined ? last.permits : undefined
    return last?.kind === 'adaptive' ? this.kept.get(learnedKey(name, last))?.limit : undefined
  }
}
