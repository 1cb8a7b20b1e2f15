import type { Millis } from '../ground/index.ts'
import type { Format } from './frame.ts'
import type { LineMaker } from './line.ts'

/** What the protocol decides. */
export interface ReaderProtocol<T> {
  readonly name: string
  readonly format: Format<T>
  /** How long nothing may be sent before the line beats, in ms. */
  readonly heartbeat: Millis
  readonly line: LineMaker<T>
}
