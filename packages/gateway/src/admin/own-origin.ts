import type { IncomingHttpHeaders } from 'node:http'

/** True for what no page of elsewhere has made a browser send: without an `origin`, or with that of `host` itself. */
export function isOwnOrigin({ origin, host = '' }: IncomingHttpHeaders): boolean {
  return origin === undefined || (URL.canParse(origin) && new URL(origin).host === host.toLowerCase())
}
