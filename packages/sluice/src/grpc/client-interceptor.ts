import { InterceptingCall, type Interceptor } from '@grpc/grpc-js'
import type { Gate } from '../gate/index.ts'
import type { Tally } from '../observe/index.ts'
import { ClientExit } from './client-exit.ts'
import type { ClientInterceptorOptions } from './client-options.ts'
import { ClientVisit } from './client-visit.ts'

/** An interceptor for `new Client(target, credentials, { interceptors: [it] })`, with a gate. */
export interface GatedClient extends Interceptor {
  readonly gate: Gate
  /** What came of the calls so far. `undefined` when a gate was given that decides: its maker chose its observer. */
  readonly tally: Tally | undefined
}

/**
 * Puts a gate behind the calls of a gRPC client. A call waits or is refused without anything of it going over the wire; a
 * refused one ends with the status its refusal has in gRPC, `not sent: …` as its details, and the refusal itself as
 * {@link localRejection} of the error. Streams hold one permit for as long as they last: one that is neither read to its
 * end nor cancelled holds it for ever.
 *
 * Retries that grpc-js makes by itself (`retryPolicy` of a service config) happen further in: they are one call here.
 * @throws RangeError for an option out of range, naming it
 */
export function clientInterceptor(options: ClientInterceptorOptions = {}): GatedClient {
  const exit = new ClientExit(options)
  const interceptor: Interceptor = (callOptions, nextCall) => {
    const visit = new ClientVisit(exit, exit.withDeadline(callOptions), nextCall)
    return new InterceptingCall(visit.relay, visit.requester)
  }
  return Object.assign(interceptor, { gate: exit.gate, tally: exit.tally })
}
