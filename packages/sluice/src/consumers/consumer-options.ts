import type { Arrival, Millis, World } from '../ground/index.ts'
import type { Gate } from '../gate/index.ts'

/** What every consumer takes. */
export interface ConsumerOptions<M> extends World {
  /**
   * Admits each piece of work. Default: a limiter of the consumer's own, which finds out by itself how much the sink
   * behind the work can do at once; a slow sink narrows it.
   */
  readonly gate?: Gate
  /** How long one piece of work may take, in ms, once it was let in. Above 0; default: any time. */
  readonly timeout?: Millis
  /** What the gate is told of a message: priority, flow, cost, deadline. Must not throw. Default: nothing special. */
  readonly arrivalOf?: (message: M) => Arrival
  /** Told of what went wrong and was put right by trying again or by doing without. Must not throw. Default: nobody. */
  readonly onError?: (error: unknown) => void
}

/** How to stop. */
export interface DrainOptions {
  /** How long work in progress may go on, in ms; at least 0. What is not done by then is called off. Default 30,000. */
  readonly timeout?: Millis
}

/** What stopping left behind. */
export interface Drained {
  /** Pieces of work that were called off. They were neither committed nor acknowledged: somebody will get them again. */
  readonly cutOff: number
}
