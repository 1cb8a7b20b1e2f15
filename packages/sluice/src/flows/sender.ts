import type { Frame } from './frame.ts'
import type { Wait } from './wait.ts'

/** A producer that waits for room. */
export interface Sender<T> {
  readonly frame: Frame<T>
  readonly wait: Wait
}
