import { pipelineOf, type Connection, type Leaver } from './pipeline.ts'

/**
 * Calls `leaver.left()` when the connection closes. Needed beside the events of the response: on Node 20 and 22 a
 * pipelined response that never got its turn emits nothing at all when the client disconnects.
 */
export function watchDeparture(connection: Connection, leaver: Leaver): void {
  pipelineOf(connection).watch(leaver)
}

/** Forgets what ended otherwise. */
export function unwatchDeparture(connection: Connection, leaver: Leaver): void {
  pipelineOf(connection).unwatch(leaver)
}
