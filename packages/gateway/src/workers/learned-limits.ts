import { adaptive } from 'sluice'
import { algorithmOf, type LimitPlan } from '../config/index.ts'
import { machineClock } from './machine-clock.ts'
import type { PartNews, PartOrder } from './part-news.ts'
import { SharedLimit } from './shared-limit.ts'

type Learned = Extract<LimitPlan, { readonly kind: 'adaptive' }>

/** What is equal in two workers is one limit: its name, and how it is found. */
export function learnedKey(name: string, { algorithm, min, max, initial }: Learned): string {
  return JSON.stringify([name, { algorithm, min, max, initial }])
}

/** The limits that workers share and that find themselves. */
export class LearnedLimits {
  readonly #limits = new Map<string, SharedLimit>()
  readonly #send: (worker: number, order: PartOrder) => void

  constructor(send: (worker: number, order: PartOrder) => void) {
    this.#send = send
  }

  hear(worker: number, news: PartNews): void {
    const { key, part } = news
    const member = `${worker}/${part}`
    if (news.leaves) return this.#leave(key, member)
    let limit = this.#limits.get(key)
    if (limit === undefined) this.#limits.set(key, (limit = this.#begun(key)))
    limit.hear(member, news)
  }

  /** A worker has ended. */
  gone(worker: number): void {
    for (const [key, { members }] of this.#limits)
      for (const member of members) if (member.startsWith(`${worker}/`)) this.#leave(key, member)
  }

  #begun(key: string): SharedLimit {
    const [, plan] = JSON.parse(key) as [string, Learned]
    return new SharedLimit({
      algorithm: algorithmOf(plan) ?? adaptive(),
      clock: machineClock,
      send: (member, order) => {
        const [worker, part] = member.split('/').map(Number)
        this.#send(worker!, { ...order, part: part! })
      },
    })
  }

  #leave(key: string, member: string): void {
    const limit = this.#limits.get(key)
    limit?.gone(member)
    if (limit?.members.length === 0) this.#limits.delete(key)
  }
}
