import { isIP } from 'node:net'

/**
 * True for a `host` header that a page from elsewhere cannot make a browser send: `localhost`, `*.localhost`, or an IP
 * address. DNS rebinding needs a name of the attacker's own.
 */
export function isLoopbackHost(host: string | undefined): boolean {
  if (host === undefined) return true
  const [, bracketed, plain] = /^(?:\[([\da-f:.]+)\]|([\w.-]+))(?::\d{1,5})?$/i.exec(host) ?? []
  if (bracketed !== undefined) return isIP(bracketed) === 6
  if (plain === undefined) return false
  const name = plain.toLowerCase()
  return name === 'localhost' || name.endsWith('.localhost') || isIP(name) === 4
}
