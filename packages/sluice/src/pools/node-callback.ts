/** A callback as node-postgres and mysql2 call it: error first. */
export type NodeCallback = (error: unknown, ...values: unknown[]) => void

/**
 * Answers a callback. Outside of the promise: what the callback throws is the process's to know, as it would be without
 * a guard.
 */
export function answer<T>(promise: Promise<T>, callback: NodeCallback, valuesOf: (value: T) => unknown[]): undefined {
  promise.then(
    (value) => process.nextTick(callback, undefined, ...valuesOf(value)),
    (error: unknown) => process.nextTick(callback, error),
  )
}
