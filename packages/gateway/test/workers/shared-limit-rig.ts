// Workers before one service of some slots, with messages that take a while, in virtual time.
import { adaptive, limiter, priority, type Gate, type Instant, type Permit, type Random, type Verdict } from 'sluice'
import { VirtualClock } from 'sluice/sim'
import { LimitPart } from '../../src/workers/limit-part.ts'
import { SharedLimit } from '../../src/workers/shared-limit.ts'

/** Who asks, for how long, and how it is split among the workers: shares of 1. */
export interface Stretch {
  readonly lasts: number
  readonly shares: readonly number[]
  /** Slots of the service from here on. */
  readonly slots?: number
}

export interface Played {
  /** Answered within half a second of arrival, as a part of what was possible. */
  readonly good: number
  /** What each worker may have in progress, at the end. */
  readonly limits: readonly number[]
}

export interface Stage {
  readonly clock: VirtualClock
  readonly random: Random
  readonly gates: readonly Gate[]
}

/**
 * Workers that share a limit.
 * @param onTheWay how long a message takes, in ms: something between half of it and all of it
 */
export function sharing(clock: VirtualClock, random: Random, workers: number, onTheWay = 4): Stage {
  const later = (act: () => void): void => void clock.after(onTheWay * (0.5 + random() / 2), act)
  const parts: LimitPart[] = []
  const shared = new SharedLimit({
    algorithm: adaptive(),
    clock,
    send: (member, decision) => later(() => parts[Number(member)]!.obey(decision)),
  })
  for (let number = 0; number < workers; number++)
    parts.push(
      new LimitPart({
        permits: Math.ceil(20 / workers),
        clock,
        queue: priority({ capacity: 1000, maxWait: 1000, standing: false }),
        send: (told) => later(() => shared.hear(String(number), told)),
      }),
    )
  for (const part of parts) part.begin()
  return { clock, random, gates: parts.map(({ gate }) => gate) }
}

/** Workers each of which finds a limit for itself: what the shared one is there to prevent. */
export function apart(clock: VirtualClock, random: Random, workers: number): Stage {
  return { clock, random, gates: Array.from({ length: workers }, () => limiter({ clock, random })) }
}

/**
 * Asks a service of 20 slots that takes 50 ms ten times what it can do. What each stretch came to.
 * @param varied it takes as long on average, and mostly less
 */
export function play(
  { clock, random, gates }: Stage,
  stretches: readonly Stretch[],
  varied = false,
): readonly Played[] {
  const [takes, rate] = [50, 4000]
  let [slots, busy] = [20, 0]
  const line: (() => void)[] = []
  const serve = (): void => {
    for (let next = busy < slots ? line.shift() : undefined; next; next = busy < slots ? line.shift() : undefined) {
      busy++
      const done = next
      clock.after(varied ? -Math.log(1 - random()) * takes : takes, () => {
        busy--
        done()
        serve()
      })
    }
  }
  let good = 0
  const arrive = (gate: Gate, at: Instant): void => {
    const begin = (permit: Permit): void => {
      line.push(() => {
        permit.release('success')
        if (clock.now() - at <= 500) good++
      })
      serve()
    }
    gate.enter({}, (verdict: Verdict) => verdict.admitted && begin(verdict))
  }
  let due = clock.now()
  return stretches.map((stretch) => {
    good = 0
    slots = stretch.slots ?? slots
    const end = due + stretch.lasts
    while ((due -= (Math.log(1 - random()) * 1000) / rate) < end) {
      clock.advanceTo(due)
      let rest = random()
      const worker = stretch.shares.findIndex((share) => (rest -= share) < 0)
      arrive(gates[Math.max(0, worker)]!, due)
    }
    due = end
    clock.advanceTo(end)
    const possible = ((slots * 1000) / takes) * (stretch.lasts / 1000)
    return { good: good / possible, limits: gates.map(({ stats }) => stats.limit) }
  })
}
