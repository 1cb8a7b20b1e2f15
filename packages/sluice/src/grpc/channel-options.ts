import type { ChannelOptions } from '@grpc/grpc-js'
import { checkWhole } from '../ground/index.ts'

/** Options of {@link serverChannelOptions}. */
export interface ServerChannelOptions {
  /**
   * How many calls one connection may have open at once, a whole number of at least 1. HTTP/2 holds further ones back
   * in the client. Default: what Node's HTTP/2 allows, 2^32 - 1.
   */
  readonly maxConcurrentStreams?: number
  /** Send a load report (ORCA) with each answer; `serverInterceptor` fills it in. Default true. */
  readonly loadReport?: boolean
}

/**
 * What `new Server()` needs to be told beside the interceptor:
 * `new Server({ interceptors: [gated], ...serverChannelOptions({ maxConcurrentStreams: 100 }) })`.
 * @throws RangeError for an option out of range
 */
export function serverChannelOptions(options: ServerChannelOptions = {}): ChannelOptions {
  const { maxConcurrentStreams, loadReport = true } = options
  return {
    ...(maxConcurrentStreams !== undefined && {
      'grpc.max_concurrent_streams': checkWhole('maxConcurrentStreams', maxConcurrentStreams, 1, 2 ** 32 - 1),
    }),
    ...(loadReport && { 'grpc.server_call_metric_recording': 1 }),
  }
}
