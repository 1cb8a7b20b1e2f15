/** The clients that need nothing but the platform; `sluice/fetch` passes them on. */
export type { ClientOptions, Outgoing } from './client-options.ts'
export type { FetchArrival } from './fetch-call.ts'
export { protectedFetch, type AnyFetch, type ProtectedFetch, type ProtectedFetchOptions } from './fetch.ts'
export type { OriginReading } from './origin.ts'
export type { Origins } from './origins.ts'
export type { ThrottleOptions } from './throttle.ts'
