import { BucketsAsk, SlotsAsk, type Ask } from '../../src/arbiter/ask.ts'
import { checkBudget, checkName, checkReport, checkStatement } from '../../src/arbiter/checks.ts'
import { packed, unpacked } from '../../src/arbiter/endless.ts'
import type { Frame } from '../../src/arbiter/frames.ts'
import { Host, type Guest } from '../../src/arbiter/host.ts'
import { Learning } from '../../src/arbiter/learning.ts'
import type { BucketsCoordinator, BucketsStatement, SlotCoordinator, SlotNews } from '../../src/arbiter/index.ts'
import type { Clock } from '../../src/index.ts'

/** What arrives at the other end. */
function carried(frame: unknown): unknown {
  return JSON.parse(JSON.stringify(frame))
}

/** An arbiter that listens for so long before it grants. */
export function hostOf(clock: Clock, learning = 0, fence = 0): Host {
  return new Host({ clock, learning: new Learning(clock, learning, []), fence })
}

/** A guest whose messages go through everything but a socket, at once and in order. */
export class WireGuest implements Guest {
  /** Who is asked; nobody while there is none. */
  host: Host | undefined
  readonly #listeners = new Map<string, (news: SlotNews) => void>()
  readonly #voided = new Set<(grace: number) => void>()
  readonly #kept: Ask[] = []
  readonly #notices = new Map<string, (isTurn: boolean) => void>()

  constructor(clock: Clock, host: Host = hostOf(clock)) {
    this.host = host
  }

  told(session: string, news: SlotNews): void {
    this.#listeners.get(session)?.(carried(news) as SlotNews)
  }

  noticed(session: string, isTurn: boolean): void {
    this.#notices.get(session)?.(isTurn)
  }

  slots(lease: number, key = 'laws'): SlotCoordinator {
    return {
      lease,
      sync: (report, answer) => this.#ask(new SlotsAsk(key, report, answer)),
      listen: (session, listener, voided = () => {}) => {
        this.#listeners.set(session, listener)
        this.#voided.add(voided)
        return () => void this.#listeners.delete(session)
      },
    }
  }

  get buckets(): BucketsCoordinator {
    return {
      open: (budget, tenant, session, noticed) => {
        if (noticed !== undefined) this.#notices.set(session, noticed)
        return {
          state: (statement) =>
            new Promise((resolve, reject) =>
              this.#ask(new BucketsAsk([budget, tenant, session], statement, resolve, reject)),
            ),
          close: () => this.host?.forget(this, session),
        }
      },
    }
  }

  /** The arbiter has died. */
  bereave(grace: number): void {
    this.host = undefined
    for (const voided of this.#voided) voided(grace)
  }

  /** Another has been found, and is asked what is not answered yet. */
  turnTo(host: Host): void {
    this.host = host
    for (const ask of this.#kept.splice(0)) this.#ask(ask)
  }

  #ask(ask: Ask): void {
    const { host } = this
    if (host === undefined) {
      this.#kept.push(ask)
      return
    }
    const [kind, , first, second, third, fourth] = carried(ask.frame(1)) as Frame
    if (kind === 'slots') {
      host.sync(this, checkName(first, 'key'), checkReport(second), (reply) => ask.answered(carried(reply)))
      return
    }
    const budget = checkBudget(first)
    const statement = unpacked(checkStatement(fourth, budget.buckets.length)) as BucketsStatement
    host.state(this, budget, String(second), String(third), statement).then(
      (grant) => ask.answered(carried(packed(grant))),
      (error: Error) => ask.failed(error),
    )
  }
}
