/**
 * sluice/fetch: a gate in front of a fetch handler, and one behind `fetch` itself.
 * @module
 */
export {
  protectedFetch,
  type AnyFetch,
  type ClientOptions,
  type FetchArrival,
  type OriginReading,
  type Origins,
  type Outgoing,
  type ProtectedFetch,
  type ProtectedFetchOptions,
  type ThrottleOptions,
} from '../clients/index.ts'
export { signalOfWeb as signalOf } from '../http/index.ts'
export { protect, type FetchHandler, type Protected, type ProtectOptions } from './server.ts'
