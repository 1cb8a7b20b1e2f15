import type { Outcome } from '../ground/index.ts'

/** What an error of work on a connection says. */
export interface Fault {
  /** What it teaches the gate. */
  readonly outcome: Outcome
  /** True when the connection cannot serve the next one. */
  readonly broken: boolean
}

/**
 * What the guard asks of a pool of connections. `take`, `give` and `close` every pool has; what else a driver can do
 * makes the guard's promises firmer.
 */
export interface PoolPort<C extends object> {
  /** The most connections the pool opens. A whole number of at least 1. */
  readonly size: number
  /** True when `take` would find a connection that is open already. Saves a timer. Default: unknown. */
  readonly ready?: boolean
  /** Borrows a connection, opening one if need be. */
  take(): PromiseLike<C>
  /** Gives a connection back for the next one. May answer a promise, settled when it is back. */
  give(client: C): unknown
  /** Gives a connection back to be closed. May answer a promise, settled when it is closed. */
  close(client: C, reason: unknown): unknown
  /**
   * Sets up a connection before its first use; `undefined` when that is done. What it rejects with refuses the
   * connection. Default: nothing to set up.
   */
  prepare?(client: C): PromiseLike<void> | undefined
  /**
   * Ends what the server is doing for this connection. Settled when the server has been told and can no longer mistake
   * the next statement for this one. Default: nothing; work that was called off is waited for.
   */
  cancel?(client: C): PromiseLike<void>
  /** False when the connection must not be handed to the next one: left in a transaction, say. Default: true. */
  reusable?(client: C): boolean
  /** The error that ended the connection, if one did. Default: nothing is known. */
  brokenBy?(client: C): unknown
  /** What an error says. Default: a `failure`, the connection still good. */
  faultOf?(error: unknown): Fault
  /** Ends the pool, once every connection is back. Default: nothing to do. */
  end?(): PromiseLike<void>
}

/** What an error says, where the port has no opinion. */
export function faultOf(port: Pick<PoolPort<object>, 'faultOf'>, error: unknown): Fault {
  return port.faultOf?.(error) ?? { outcome: 'failure', broken: false }
}
