import {
  checkNumber,
  ORDINARY,
  Rejection,
  type Clock,
  type Millis,
  type Priority,
  type Random,
} from '../ground/index.ts'

/** Options of the throttle a client puts on itself. */
export interface ThrottleOptions {
  /**
   * How many requests are sent for each that the server takes. At least 1: at 2 the server refuses as many as it takes
   * before the client begins to hold back; nearer to 1 it holds back sooner and notices later that it need not.
   * Default 2.
   */
  readonly ratio?: number
  /** What counts, in ms; above 0. Default 120,000. */
  readonly window?: Millis
}

/** The window passes in steps: what is older than it goes a step at a time. */
const STEPS = 24

/** The most important arrivals are sent whatever the odds. */
const ALWAYS: Priority = 3

/**
 * Refuses here what the server would refuse, with probability `max(0, (requests - ratio × accepts) / (requests + 1))`:
 * the adaptive throttling of Google's SRE book (chapter 21, "Handling Overload"). Some are always sent, so that it
 * notices when the server has room again.
 *
 * One thing differs from the book: a request counts when it is known what became of it, not when it is sent. With slow
 * answers, requests still on their way would otherwise look like refused ones.
 */
export class Throttle {
  readonly #name: string
  readonly #clock: Clock
  readonly #random: Random
  readonly #ratio: number
  readonly #step: Millis
  readonly #requested = new Float64Array(STEPS)
  readonly #taken = new Float64Array(STEPS)
  #requests = 0
  #accepts = 0
  #tick: number
  #head = 0

  /** @throws RangeError for an option out of range */
  constructor(name: string, options: ThrottleOptions, clock: Clock, random: Random) {
    this.#name = name
    this.#clock = clock
    this.#random = random
    this.#ratio = checkNumber('throttle.ratio', options.ratio ?? 2, 1)
    this.#step = checkNumber('throttle.window', options.window ?? 120_000, Number.MIN_VALUE) / STEPS
    this.#tick = this.#now()
  }

  /** The odds of a refusal now, 0 to 1. */
  get odds(): number {
    this.#turn()
    return Math.max(0, (this.#requests - this.#ratio * this.#accepts) / (this.#requests + 1))
  }

  /** True while it has nothing to remember. */
  get atRest(): boolean {
    this.#turn()
    return this.#requests === this.#accepts
  }

  /** Throws the dice. What is refused here counts as a request that was not accepted. */
  refuse(priority: Priority = ORDINARY): Rejection | undefined {
    const { odds } = this
    if (odds <= 0 || priority === ALWAYS || this.#random() >= odds) return undefined
    const refusal = new Rejection('shed', this.#name, this.#requests + 1, this.#ratio * this.#accepts)
    this.#count(0)
    return refusal
  }

  /** Notes what became of a request that was sent. */
  record(accepted: boolean): void {
    this.#turn()
    this.#count(accepted ? 1 : 0)
  }

  #count(accepts: number): void {
    this.#requested[this.#head]! += 1
    this.#taken[this.#head]! += accepts
    this.#requests += 1
    this.#accepts += accepts
  }

  #now(): number {
    return Math.floor(this.#clock.now() / this.#step)
  }

  #turn(): void {
    const tick = this.#now()
    for (let passed = Math.min(STEPS, tick - this.#tick); passed > 0; passed--) {
      this.#head = (this.#head + 1) % STEPS
      this.#requests -= this.#requested[this.#head]!
      this.#accepts -= this.#taken[this.#head]!
      this.#requested[this.#head] = 0
      this.#taken[this.#head] = 0
    }
    if (tick > this.#tick) this.#tick = tick
  }
}
