import { isIP, type LookupFunction } from 'node:net'

/** Where connections go. */
export interface Target {
  readonly host: string
  readonly port: number
  readonly secure: boolean
  /** Whose certificate is asked for; `undefined` for an address. */
  readonly serverName: string | undefined
  /** Who vouches for it; `undefined`: whom Node trusts. */
  readonly ca: string | undefined
  /** Says where a name leads; `undefined`: the system. */
  readonly lookup: LookupFunction | undefined
}

/** Reads an origin. */
export function targetOf(origin: URL, ca: string | undefined, lookup: LookupFunction | undefined): Target {
  const secure = origin.protocol === 'https:'
  const host = origin.hostname.startsWith('[') ? origin.hostname.slice(1, -1) : origin.hostname
  const port = Number(origin.port === '' ? (secure ? 443 : 80) : origin.port)
  return { host, port, secure, serverName: isIP(host) === 0 ? host : undefined, ca, lookup }
}

/** What `node:tls` is told of it. */
export function secureOptions({ host, port, serverName, ca, lookup }: Target): {
  readonly host: string
  readonly port: number
  readonly servername?: string
  readonly ca?: string
  readonly lookup?: LookupFunction
} {
  return {
    host,
    port,
    ...(serverName !== undefined && { servername: serverName }),
    ...(ca !== undefined && { ca }),
    ...(lookup && { lookup }),
  }
}
