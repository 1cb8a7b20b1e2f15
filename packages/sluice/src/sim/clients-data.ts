import type { Millis } from '../ground/index.ts'
import type { RetryBudgetOptions } from '../gate/index.ts'
import type { Field } from './field.ts'
import type { OnLeave } from './instance.ts'

/** How often anybody may try again: without a wait all of it happens before the clock gets on. */
const MOST_RETRIES = 1000

/** What clients do when they get no answer, as data. */
export interface RetriesData {
  /** How often a request is tried again. A whole number, 0 to 1,000. */
  readonly most: number
  /** What makes them try again. Default: both. */
  readonly after?: 'refusal' | 'timeout'
  /** How long they wait before the first retry, in ms. At least 0. Default 0: at once, the naive client. */
  readonly wait?: Millis
  /** By what the wait grows from one retry to the next. 1 to 10. Default 2. */
  readonly factor?: number
  /** The longest wait, in ms. At least 0. Default: none. */
  readonly longest?: Millis
  /** Wait anything from nothing to that, by chance ("full jitter"). Default true. */
  readonly jitter?: boolean
  /** Wait as long as a refusal says as well, and never retry where it says that is pointless. Default false. */
  readonly honourRetryAfter?: boolean
  /** One retry budget for all of them; `{}` is the default one. Default: none. */
  readonly budget?: Pick<RetryBudgetOptions, 'ratio' | 'reserve' | 'window'>
}

/** Patience and stubbornness of clients, as data. */
export interface ClientsData {
  /** How long they wait for an answer before they leave, in ms. Above 0. Default: for ever. */
  readonly timeout?: Millis
  /**
   * What becomes of work under way when its client leaves: `release` gives the permit back at once and works on for
   * nobody, as a server in front of a handler does; `hold` gives it back when the work has ended; `abort` stops the
   * work. Whoever waits in a queue stops waiting in any case. Default `release`.
   */
  readonly onLeave?: OnLeave
  /** Default: none. */
  readonly retries?: RetriesData
}

/** @throws RangeError naming the field that is wrong */
export function checkClients(field: Field): void {
  field.keys('timeout', 'onLeave', 'retries')
  field.maybe('timeout')?.number(Number.MIN_VALUE)
  field.maybe('onLeave')?.oneOf('release', 'hold', 'abort')
  const retries = field.maybe('retries')
  if (retries === undefined) return
  retries.keys('most', 'after', 'wait', 'factor', 'longest', 'jitter', 'honourRetryAfter', 'budget')
  retries.at('most').whole(0, MOST_RETRIES)
  retries.maybe('after')?.oneOf('refusal', 'timeout')
  retries.maybe('wait')?.number(0)
  retries.maybe('factor')?.number(1, 10)
  retries.maybe('longest')?.number(0)
  retries.maybe('jitter')?.truth()
  retries.maybe('honourRetryAfter')?.truth()
  const budget = retries.maybe('budget')?.keys('ratio', 'reserve', 'window')
  budget?.maybe('ratio')?.number(0, 1)
  budget?.maybe('reserve')?.number(0)
  budget?.maybe('window')?.number(Number.MIN_VALUE)
}
