/**
 * gRPC: a gate in front of the methods of a server, and one in front of the calls of a client. Needs `@grpc/grpc-js`.
 * @module
 */
export { asyncHandlers, type AsyncHandlersOptions } from './async-handlers.ts'
export { previousAttempts } from './attempts.ts'
export { serverChannelOptions, type ServerChannelOptions } from './channel-options.ts'
export { clientInterceptor, type GatedClient } from './client-interceptor.ts'
export type { ClientInterceptorOptions, OutgoingCall } from './client-options.ts'
export { isGrpcHealth, type AuthContext, type GrpcRequest } from './grpc-request.ts'
export { loadReportOf, type LoadReport } from './load-report.ts'
export { localRejection } from './local-rejection.ts'
export { outcomeOfStatus } from './outcome-of-status.ts'
export { pushbackOf } from './pushback.ts'
export { serverInterceptor, type GatedServer } from './server-interceptor.ts'
export type { RefusedCall, ServerInterceptorOptions } from './server-options.ts'
export type { WallClock } from '../ground/index.ts'
export { writeAll, type Messages, type WritableCall } from './write-all.ts'
