import { ServerInterceptingCall, type ServerInterceptor } from '@grpc/grpc-js'
import type { Gate } from '../gate/index.ts'
import type { Tally } from '../observe/index.ts'
import { ServerEntrance } from './server-entrance.ts'
import type { ServerInterceptorOptions } from './server-options.ts'
import { ServerVisit } from './server-visit.ts'

/** An interceptor for `new Server({ interceptors: [it] })`, with a gate. */
export interface GatedServer extends ServerInterceptor {
  /** The gate in front: its `stats`, and `close()` for draining. */
  readonly gate: Gate
  /** What came of the calls so far. `undefined` when a gate was given that decides: its maker chose its observer. */
  readonly tally: Tally | undefined
}

/**
 * Puts a gate in front of every method of a gRPC server: `new Server({ interceptors: [serverInterceptor()] })`. First in
 * the list is nearest to the wire, and that is where it belongs: it decides before the first message is read or decoded,
 * for unary calls and streams alike. A stream holds one permit for as long as it lasts.
 *
 * - An admitted call holds its permit until its status is sent or the call is cancelled, by the client, its deadline, or
 *   the end of its connection. A handler that never ends holds it until then, or until `timeout`.
 * - A client that leaves while its call waits stops waiting.
 * - A refused call gets RESOURCE_EXHAUSTED for a spent quota, UNAVAILABLE for want of capacity, DEADLINE_EXCEEDED where
 *   it would be late, with `grpc-retry-pushback-ms` and `sluice-rejection` as trailers.
 * - What the options throw ends the call with UNKNOWN, as what a handler throws does, with nothing taken.
 * @throws RangeError for an option out of range, naming it
 */
export function serverInterceptor(options: ServerInterceptorOptions = {}): GatedServer {
  const entrance = new ServerEntrance(options)
  const interceptor: ServerInterceptor = ({ path }, call) =>
    new ServerInterceptingCall(call, new ServerVisit(entrance, path, call).responder)
  return Object.assign(interceptor, { gate: entrance.door.gate, tally: entrance.tally })
}
