import { lookup as system } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { isLinkLocal } from './link-local.ts'

/** The code of the error of a name that leads to such addresses only. */
export const LINK_LOCAL = 'ELINKLOCAL'

/**
 * A lookup for one connection that leaves out link-local and metadata addresses. What it has looked at is what is
 * connected to: a name that leads elsewhere a moment later changes nothing.
 * @param resolve default: the system's
 */
export function guardedLookup(resolve: LookupFunction = system): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, found, family = 4) => {
      if (error !== null) return callback(error, [])
      const all = typeof found === 'string' ? [{ address: found, family }] : found
      const open = all.filter(({ address }) => !isLinkLocal(address))
      const [first] = open
      if (first === undefined) return callback(blocked(hostname), [])
      if (options.all === true) callback(null, open)
      else callback(null, first.address, first.family)
    })
  }
}

function blocked(hostname: string): Error {
  return Object.assign(new Error(`${hostname} leads to link-local or metadata addresses only`), { code: LINK_LOCAL })
}
