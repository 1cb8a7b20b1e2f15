import * as fc from 'fast-check'
import {
  defineGate,
  fifo,
  series,
  tokenBucket,
  tokenBuckets,
  type Arrival,
  type Clock,
  type Gate,
  type GateCore,
  type GateStats,
  type QueueDiscipline,
  type Verdict,
  type Waiting,
} from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'

/** A gate over requests and tokens, and what it says is left of both. */
export interface Budgets {
  readonly gate: Gate
  readonly left: () => readonly [requests: number, tokens: number]
}

const RATES = [
  { tokens: 60, per: 60_000, capacity: 5 },
  { tokens: 6000, per: 60_000, capacity: 800 },
] as const

const queue = (): QueueDiscipline => fifo({ capacity: 1000, maxWait: 1e9 })

export function together(clock: Clock): Budgets {
  const [requests, tokens] = RATES
  const gate = tokenBuckets({ buckets: { requests: { ...requests, takes: 'one' }, tokens }, queue: queue(), clock })
  return {
    gate,
    left: () => {
      const status = gate.status()
      return [status.requests.available, status.tokens.available]
    },
  }
}

/** The well-known naive version: first one bucket, then the other. */
export function oneAfterTheOther(clock: Clock): Budgets {
  const requests = tokenBucket({ ...RATES[0], clock, queue: queue() })
  const tokens = tokenBucket({ ...RATES[1], clock, queue: queue() })
  return {
    gate: series(defineGate(new OneEach(requests.core)), tokens),
    left: () => [requests.available, tokens.available],
  }
}

/** Takes one of a bucket, whatever the arrival costs. */
class OneEach implements GateCore {
  readonly #core: GateCore

  constructor(core: GateCore) {
    this.#core = core
  }

  get name(): string {
    return this.#core.name
  }

  get pressure(): GateCore['pressure'] {
    return this.#core.pressure
  }

  get stats(): GateStats {
    return this.#core.stats
  }

  enter(arrival: Arrival, mayWait: boolean): Verdict | Waiting {
    return keeping(this.#core.enter({ ...arrival, cost: 1 }, mayWait))
  }

  close(): void {
    this.#core.close()
  }
}

/** Its permit is not settled by the cost of what it does not count. */
function keeping(entered: Verdict | Waiting): Verdict | Waiting {
  if (entered.admitted === undefined) {
    const waiting: Waiting = {
      admitted: undefined,
      answer: undefined,
      cancel: () => entered.cancel(),
    }
    entered.answer = (verdict) => waiting.answer?.(keeping(verdict) as Verdict)
    return waiting
  }
  if (!entered.admitted) return entered
  return {
    admitted: true,
    waited: entered.waited,
    release: (outcome) => entered.release(outcome),
    [Symbol.dispose]: () => entered.release('ignored'),
  }
}

/** A bucket that counts up: drifts in the long run, and is easily seen to be right in a short one. */
class Reference {
  level: number
  readonly #rate: number
  readonly #capacity: number
  #at: number

  constructor({ tokens, per, capacity }: (typeof RATES)[number], at: number) {
    this.#rate = tokens / per
    this.#capacity = capacity
    this.level = capacity
    this.#at = at
  }

  pass(to: number): void {
    this.level = Math.min(this.#capacity, this.level + (to - this.#at) * this.#rate)
    this.#at = to
  }
}

export interface Step {
  readonly wait: number
  readonly cost: number
  /** What it really costs; the same where it is not settled. */
  readonly actual: number
}

export const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    wait: fc.oneof(fc.constant(0), fc.nat({ max: 1500 }), fc.nat({ max: 20_000 })),
    cost: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 800 })),
    actual: fc.integer({ min: 1, max: 1200 }),
  }),
  { minLength: 1, maxLength: 40, size: 'max' },
)

const TIE = 1e-5

/** What is wrong with a gate over two budgets, found by counting only what it has let in. */
export function faultsOf(make: (clock: Clock) => Budgets, script: readonly Step[]): string[] {
  const clock = new VirtualClock(1000)
  const { gate, left } = make(clock)
  const references = RATES.map((rate) => new Reference(rate, clock.now()))
  const [requests, tokens] = references as [Reference, Reference]
  const waiting: Step[] = []
  const faults: string[] = []
  const pass = (): void => references.forEach((reference) => reference.pass(clock.now()))
  const look = (): void => {
    pass()
    const said = left()
    references.forEach(({ level }, at) => {
      if (Math.abs(said[at]! - level) > TIE)
        faults.push(`held: says ${said[at]} of ${at}, though ${level} are not used`)
    })
    const next = waiting[0]
    if (next !== undefined && requests.level > 1 + TIE && tokens.level > next.cost + TIE)
      faults.push('waits though all is there')
  }
  for (const step of script) {
    waiting.push(step)
    gate.enter({ cost: step.cost }, (verdict) => {
      if (!verdict.admitted) {
        faults.push(verdict.code)
        return
      }
      if (waiting.shift() !== step) faults.push('out of turn')
      pass()
      if (requests.level < 1 - TIE || tokens.level < step.cost - TIE) faults.push('over the limit')
      requests.level--
      tokens.level -= step.cost
      clock.after(step.actual, () => {
        pass()
        tokens.level += step.cost - step.actual
        verdict.release('success', step.actual)
      })
    })
    look()
    clock.advance(step.wait)
    look()
  }
  clock.advance(1e8)
  look()
  if (waiting.length > 0) faults.push(`${waiting.length} wait for ever`)
  if (clock.pending > 0) faults.push('a timer is left')
  return faults
}
