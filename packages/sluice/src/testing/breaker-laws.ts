import type { Breaker, BreakerState } from '../gate/index.ts'
import { seeded, type Instant, type Millis, type Outcome, type Permit } from '../ground/index.ts'
import { VirtualClock } from '../sim/index.ts'
import type { LawWorld } from './gate-law.ts'
import { choose, forAll, scripts, type LawOptions, type LawRunner, type PropertyTester } from './property.ts'

/** What every circuit breaker is held to. */
export const BREAKER_LAWS = {
  1: 'closed, it lets everybody in; open, nobody until its time is up, and it says when that is',
  2: 'half open, it lets in as many at once as it has probes, never more, never fewer; as many again when those are lost',
  3: 'so many failures in a row open it, and nothing less does; `ignored` is neither failure nor success',
  4: 'as many successes as it has probes close it; one probe that fails opens it anew, for the full time',
  5: 'a probe that ends as `ignored` decides nothing and makes room for another',
  6: 'what was let in before its state changed decides nothing about the new one',
  7: 'trip and reset do as they say, at once, whatever the state',
  8: 'whoever listens to its state hears of every change, in order, and of nothing else',
  9: 'permits end once, and when all have ended nothing is in flight',
} as const

/** How the breaker under test was made. */
export interface BreakerLawOptions extends LawOptions {
  /** How many failures in a row open it. */
  readonly failures: number
  /** For how long, in ms. */
  readonly openFor: Millis
  /** How many may try at once while it is half open, and how many must succeed. */
  readonly probes: number
}

interface BreakerStep {
  readonly does: 'enter' | 'end' | 'again' | 'tick' | 'trip' | 'reset'
  readonly who: number
  readonly outcome: Outcome
  readonly duration: number
}

const DOES = ['enter', 'end', 'enter', 'end', 'tick', 'end', 'enter', 'again', 'end', 'enter', 'trip', 'reset'] as const
const OUTCOMES = ['failure', 'success', 'failure', 'dropped', 'ignored', 'success'] as const
/** Of the time it stays open. */
const DURATIONS = [1, 0.5, 0.01, 3, 0.999] as const

/**
 * Holds a circuit breaker that counts failures in a row to the {@link BREAKER_LAWS}, beside a model of one.
 *
 * ```ts
 * breakerLaws('my breaker', { describe, it }, fc, (world) => breaker({ ...world, openFor: 100 }), {
 *   failures: 5,
 *   openFor: 100,
 *   probes: 1,
 * })
 * ```
 * @param make makes a fresh breaker, closed, that takes its time from the world it is given
 */
export function breakerLaws(
  name: string,
  runner: LawRunner,
  fc: PropertyTester,
  make: (world: LawWorld) => Breaker,
  options: BreakerLawOptions,
): void {
  const steps = scripts<BreakerStep>(fc, { length: 80, ...options }, 4, ([does, who, outcome, duration]) => ({
    does: choose(DOES, does),
    who: who ?? 0,
    outcome: choose(OUTCOMES, outcome),
    duration: choose(DURATIONS, duration) * options.openFor,
  }))

  runner.describe(`breaker laws: ${name}`, () => {
    runner.it('laws 1 to 9 hold in whatever order things happen', () =>
      forAll(fc, options, steps, async (script) => {
        const play = new BreakerPlay(make, options)
        for (const step of script) play.step(step)
        play.end()
      }),
    )
  })
}

interface Work {
  readonly permit: Permit
  readonly era: number
  readonly probe: boolean
}

/** A breaker and a model of it, side by side. */
class BreakerPlay {
  readonly #options: BreakerLawOptions
  readonly #clock = new VirtualClock(1000.25)
  readonly #breaker: Breaker
  readonly #running: Work[] = []
  readonly #ended: Permit[] = []
  readonly #notes: string[] = []
  readonly #heard: BreakerState[] = []
  readonly #expected: BreakerState[] = []
  #state: BreakerState = 'closed'
  #era = 0
  #inARow = 0
  #openUntil: Instant = 0
  #probing = 0
  #probedAt: Instant = 0
  #succeeded = 0

  constructor(make: (world: LawWorld) => Breaker, options: BreakerLawOptions) {
    this.#options = options
    this.#breaker = make({ clock: this.#clock, random: seeded(options.seed ?? 1) })
    this.#breaker.state.subscribe((state) => this.#heard.push(state))
  }

  step({ does, who, outcome, duration }: BreakerStep): void {
    if (does === 'enter') this.#enter()
    else if (does === 'tick') this.#clock.advance(duration)
    else if (does === 'again') this.#ended[who % this.#ended.length]?.release(outcome)
    else if (does === 'end') this.#end(who, outcome)
    else this.#byHand(does)
    this.#note(`${does} ${outcome}, ${this.#state}`)
    this.#check(does === 'again' ? 9 : 7)
  }

  end(): void {
    while (this.#running.length > 0) this.#end(0, 'ignored')
    this.#check(9)
  }

  #enter(): void {
    const now = this.#clock.now()
    const left = this.#openUntil - now
    if (this.#state === 'open' && left <= 0) this.#become('half-open')
    const full = this.#probing >= this.#options.probes
    if (this.#state === 'half-open' && full && now - this.#probedAt >= this.#options.openFor) this.#become('half-open')
    const expected = this.#state === 'closed' || (this.#state === 'half-open' && this.#probing < this.#options.probes)
    const verdict = this.#breaker.tryEnter()
    if (verdict.admitted !== expected)
      this.#broken(this.#state === 'half-open' ? 2 : 1, `${verdict.admitted ? 'let in' : 'refused'} one`)
    if (verdict.admitted) {
      const probe = this.#state === 'half-open'
      if (probe) {
        this.#probing++
        this.#probedAt = now
      }
      this.#running.push({ permit: verdict, era: this.#era, probe })
    } else {
      if (verdict.code !== 'breaker_open') this.#broken(1, `refused with ${verdict.code}`)
      if (this.#state === 'open' && Math.abs((verdict.retryAfter ?? Infinity) - left) > 1e-6)
        this.#broken(1, `said to come back in ${verdict.retryAfter} ms, not ${left}`)
    }
  }

  #end(who: number, outcome: Outcome): void {
    const [work] = this.#running.splice(who % Math.max(1, this.#running.length), 1)
    if (work === undefined) return
    this.#ended.push(work.permit)
    const law = outcome === 'ignored' ? 5 : work.era !== this.#era ? 6 : work.probe ? 4 : 3
    this.#learn(work, outcome)
    work.permit.release(outcome)
    this.#check(law)
  }

  #learn(work: Work, outcome: Outcome): void {
    if (work.era !== this.#era) return
    if (work.probe) this.#probing--
    if (outcome === 'ignored') return
    if (work.probe && outcome !== 'success') this.#trip()
    else if (work.probe) {
      this.#succeeded++
      if (this.#succeeded >= this.#options.probes) this.#reset()
    } else {
      this.#inARow = outcome === 'success' ? 0 : this.#inARow + 1
      if (this.#inARow >= this.#options.failures) this.#trip()
    }
  }

  #byHand(does: 'trip' | 'reset'): void {
    if (does === 'trip') this.#trip()
    else this.#reset()
    this.#breaker[does]()
  }

  #trip(): void {
    this.#openUntil = this.#clock.now() + this.#options.openFor
    this.#become('open')
  }

  #reset(): void {
    this.#inARow = 0
    this.#become('closed')
  }

  #become(state: BreakerState): void {
    if (state !== this.#state) this.#expected.push(state)
    this.#state = state
    this.#era++
    this.#probing = 0
    this.#succeeded = 0
  }

  #check(law: keyof typeof BREAKER_LAWS): void {
    const { state, stats } = this.#breaker
    if (state.value !== this.#state) this.#broken(law, `it is ${state.value}`)
    if (stats.inflight !== this.#running.length) this.#broken(9, `${stats.inflight} in flight`)
    // Opened by hand while it is open: told again or not, it is the same.
    const heard = this.#heard.filter((one, at) => one !== (at === 0 ? 'closed' : this.#heard[at - 1]))
    if (heard.join() !== this.#expected.join()) this.#broken(8, `heard ${heard.join(', ')}`)
  }

  #note(text: string): void {
    this.#notes.push(`${this.#clock.now()} ${text}`)
  }

  #broken(law: keyof typeof BREAKER_LAWS, what: string): never {
    const expected = `expected ${this.#state}, ${this.#running.length} in flight, heard ${this.#expected.join(', ')}`
    throw new Error(
      `law ${law} is broken (${BREAKER_LAWS[law]})\n  ${what}; ${expected}\n  ${this.#notes.join('\n  ')}`,
    )
  }
}
