// Workers that share a breaker, with messages that take a while, in virtual time.
import { breaker, consecutive, seeded, type Gate, type Outcome, type Permit, type Verdict } from 'sluice'
import { VirtualClock } from 'sluice/sim'
import { BreakerPart } from '../../src/workers/breaker-part.ts'
import { SharedBreaker } from '../../src/workers/shared-breaker.ts'

export interface Rule {
  readonly failures: number
  readonly openFor: number
  readonly probes: number
}

export class Breakers {
  readonly clock: VirtualClock = new VirtualClock(1000)
  readonly parts: BreakerPart[] = []
  readonly shared: SharedBreaker
  /** How often anybody asked to be a probe. */
  asked = 0
  /** The first process does nothing at present: what it is told it hears later. */
  #isStill = false
  readonly #random = seeded(1)
  readonly #unheard: (() => void)[] = []

  constructor(workers: number, rule: Rule) {
    const { clock } = this
    this.shared = new SharedBreaker({
      ...rule,
      clock,
      send: (member, decision) => this.#later(() => this.parts[Number(member)]?.obey(decision)),
    })
    for (let worker = 0; worker < workers; worker++) this.join()
  }

  /** One more worker. */
  join(): void {
    const member = String(this.parts.length)
    const part = new BreakerPart({
      name: 'breaker',
      clock: this.clock,
      send: (told) => {
        if (told.asks !== undefined) this.asked++
        this.#later(() => {
          const hear = (): void => (told.leaves ? this.shared.gone(member) : this.shared.hear(member, told))
          if (this.#isStill) this.#unheard.push(hear)
          else hear()
        })
      },
    })
    this.parts.push(part)
    part.begin()
    this.clock.advance(5)
  }

  still(): void {
    this.#isStill = true
  }

  wake(): void {
    this.#isStill = false
    for (const hear of this.#unheard.splice(0)) hear()
  }

  get gates(): readonly Gate[] {
    return this.parts.map(({ gate }) => gate)
  }

  get states(): readonly string[] {
    return this.parts.map(({ state }) => state.value)
  }

  /** Something takes no time and ends so, one ms after what was before it. */
  ends(worker: number, outcome: Outcome): void {
    this.clock.advance(1)
    const verdict = this.gates[worker]!.tryEnter()
    if (verdict.admitted) verdict.release(outcome)
  }

  /** What came of it when somebody comes to each of these workers at once, in their order, within 20 ms. */
  ask(...workers: readonly number[]): readonly Verdict[] {
    const verdicts: Verdict[] = []
    for (const [at, worker] of workers.entries()) this.gates[worker]!.enter({}, (verdict) => (verdicts[at] = verdict))
    this.clock.advance(20)
    return verdicts
  }

  // On one channel nothing overtakes.
  #last = 0
  #later(act: () => void): void {
    const { clock } = this
    this.#last = Math.max(this.#last, clock.now() + 1 + this.#random())
    clock.after(this.#last - clock.now(), act)
  }
}

/** Each for itself. */
export function alone(workers: number, { failures, ...rule }: Rule): readonly Gate[] {
  const clock = new VirtualClock(1000)
  return Array.from({ length: workers }, () => breaker({ ...rule, clock, rule: consecutive(failures) }))
}

export function admitted(verdicts: readonly Verdict[]): readonly Permit[] {
  return verdicts.filter((verdict): verdict is Permit => verdict.admitted)
}
