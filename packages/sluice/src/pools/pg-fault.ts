import type { Fault } from './pool-port.ts'

/** Classes of SQLSTATE after which the server has closed the connection, or is about to. */
const LOST = /^(08|57P0|25P03$|25P04$|57P05$)/
/** The server or the lock could not be had in time, or there is no room for more: evidence of overload. */
const OVERLOADED = /^(57014$|55P03$|53)/
/** The server itself is at fault. */
const BROKEN = /^(58|XX|F0)/

/**
 * What an error of node-postgres says. A statement that was ended for taking too long is a loss to an adaptive limit; a
 * lost connection is a failure; a constraint or a typing error is the caller's business and teaches nothing. Only a lost
 * connection is closed: opening a new one for every failed statement is what an overloaded server needs least.
 *
 * Source: the table of error codes in PostgreSQL's manual, appendix A.
 */
export function pgFault(error: unknown): Fault {
  const { code, severity } = (error ?? {}) as { readonly code?: unknown; readonly severity?: unknown }
  // No SQLSTATE: not from the server, so nothing is known of what the connection is at.
  if (typeof code !== 'string' || code.length !== 5) return { outcome: 'failure', broken: true }
  const broken = LOST.test(code) || severity === 'FATAL' || severity === 'PANIC'
  if (OVERLOADED.test(code)) return { outcome: 'dropped', broken }
  if (code.startsWith('25P')) return { outcome: 'ignored', broken }
  return { outcome: broken || BROKEN.test(code) ? 'failure' : 'ignored', broken }
}
