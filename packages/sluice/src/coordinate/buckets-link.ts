import { Source, type Clock, type Instant, type Millis, type Random, type Timer } from '../ground/index.ts'
import type { BucketsAccount, BucketsGrant, BucketsStatement } from './buckets.ts'

export interface BucketsLinkOptions {
  readonly clock: Clock
  readonly random: Random
  /** How long an answer is waited for, in ms. */
  readonly deadline: Millis
  /** How many sessions there are as long as nobody has said. */
  readonly sessions: number
}

/** How soon it is tried again after a failure, in ms: doubled up to the second, and a random half taken off. */
const [SOON, LATE]: readonly [Millis, Millis] = [250, 2000]

/** A timer that is later than this says more of this process than of the coordinator, in ms. */
const HELD_UP: Millis = 20

/**
 * The line to the coordinator, which may be down. What is not answered in time has failed, whatever becomes of it: clients
 * wait for 5 to 45 s by themselves. One failure is enough; from then on one statement at a time tries if it is up again.
 */
export class BucketsLink {
  readonly health: Source<'up' | 'down'>
  /** How many sessions there were when last heard of. */
  sessions: number
  calls = 0
  failures = 0
  /** What kept it from answering, when it last did not. */
  trouble: string | undefined
  /** Told when it is up again. */
  recovered: (() => void) | undefined
  readonly #options: BucketsLinkOptions
  #down = false
  #backoff: Millis = SOON
  #tries: Instant = 0
  #downSince: Instant = 0
  #upSince: Instant = -Infinity
  #timer: Timer | undefined
  #closed = false

  constructor(options: BucketsLinkOptions) {
    this.#options = options
    this.sessions = options.sessions
    this.health = new Source(() => (this.#down ? 'down' : 'up'), options.clock)
  }

  get down(): boolean {
    return this.#down
  }

  /** For how long others may have let in arrivals they have not told yet, since it was down, in ms. */
  untold(now: Instant): Millis {
    if (this.#down) return now - this.#downSince
    return now < this.#upSince + LATE ? this.#upSince - this.#downSince : 0
  }

  /** How long until it is tried again, in ms. */
  get retryAfter(): Millis {
    return Math.max(0, this.#tries - this.#options.clock.now())
  }

  /**
   * States, and says what came of it, once.
   * @param again states something, whatever it is, to see if it is up again
   */
  state(
    account: BucketsAccount,
    statement: BucketsStatement,
    done: (grant: BucketsGrant | undefined) => void,
    again: () => void,
  ): void {
    this.calls++
    let open = true
    const { clock, deadline } = this.#options
    const end = (grant: BucketsGrant | undefined, trouble = `no answer within ${deadline} ms`): void => {
      if (!open) return
      open = false
      timer.cancel()
      if (grant === undefined) this.#failed(again, trouble)
      else this.#answered(grant)
      done(grant)
      if (grant !== undefined && this.#down) this.#up()
    }
    const due = clock.now() + deadline
    // Whoever waits for it has a timer of its own, which keeps the process alive.
    const background = { background: true }
    const late = (): void => {
      // Where this process was held up, not the other, the answer may lie here unread.
      if (clock.now() < due + HELD_UP) end(undefined)
      else timer = clock.after(HELD_UP, () => end(undefined), background)
    }
    let timer = clock.after(deadline, late, background)
    account.state(statement).then(
      (grant) => end(grant),
      (error: unknown) => end(undefined, error instanceof Error ? error.message : String(error)),
    )
  }

  close(): void {
    this.#closed = true
    this.#timer?.cancel()
  }

  #answered({ sessions }: BucketsGrant): void {
    this.sessions = sessions
  }

  #up(): void {
    this.#down = false
    this.#upSince = this.#options.clock.now()
    this.#backoff = SOON
    this.#timer?.cancel()
    this.health.changed()
    this.recovered?.()
  }

  #failed(again: () => void, trouble: string): void {
    this.failures++
    this.trouble = trouble
    const first = !this.#down
    this.#down = true
    this.#timer?.cancel()
    const { clock, random } = this.#options
    const delay = this.#backoff * (0.5 + random() / 2)
    this.#backoff = Math.min(LATE, this.#backoff * 2)
    this.#tries = clock.now() + delay
    if (first) this.#downSince = clock.now()
    if (!this.#closed) this.#timer = clock.after(delay, again, { background: true })
    if (first) this.health.changed()
  }
}
