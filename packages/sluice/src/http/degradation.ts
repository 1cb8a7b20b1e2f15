import type { Rejection } from '../ground/index.ts'
import type { Caller } from './caller.ts'
import type { RefusedResponse } from './refuse.ts'

/** What is given up under pressure. */
export interface Degradation<Req> {
  /** What the caller gets instead of being served; `undefined` to go on. Asked before the gate, for every request. */
  instead(caller: Caller<Req>): Rejection | RefusedResponse | undefined
}
