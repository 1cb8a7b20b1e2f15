import { systemClock, type Clock, type Instant, type Millis, type Timer } from 'sluice'
import type { Snapshot, StateWord } from './snapshot.ts'

export interface StateWatchOptions {
  readonly state: () => Pick<Snapshot, 'state' | 'because'>
  /** Told of a change, a line each. */
  readonly say: (line: string) => void
  readonly clock?: Clock
}

/** How often it looks. */
const EVERY: Millis = 1000
/** What is said of trouble holds until something else has held for so long: a line for each swing would hide the others. */
const HOLD: Millis = 10_000
/** What an operator need not read about: that all is well again is said, and its beginning and end are said by whoever orders them. */
const CALM: ReadonlySet<StateWord> = new Set(['ok', 'queueing', 'starting', 'draining'])

/** Says in the log when the state of a gateway becomes another one. */
export class StateWatch {
  readonly #options: StateWatchOptions
  readonly #clock: Clock
  #said: StateWord = 'ok'
  #next: { readonly state: StateWord; readonly since: Instant } | undefined
  #timer: Timer | undefined

  constructor(options: StateWatchOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
  }

  /** From now on it looks once a second. */
  start(): void {
    this.#timer = this.#clock.after(
      EVERY,
      () => {
        this.#look()
        this.start()
      },
      { background: true },
    )
  }

  stop(): void {
    this.#timer?.cancel()
  }

  #look(): void {
    const { state: word, because } = this.#options.state()
    const state = CALM.has(word) ? 'ok' : word
    const now = this.#clock.now()
    if (state !== this.#next?.state) this.#next = { state, since: now }
    if (state === this.#said || (this.#said !== 'ok' && now - this.#next.since < HOLD)) return
    this.#said = state
    this.#options.say(`state: ${state}. ${because}`)
  }
}
