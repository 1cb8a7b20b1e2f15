import type { ServerResponse } from 'node:http'

const PLAIN_REASON = /^[\t\x20-\x7e]*$/

/** Writes a head as it came; what somebody in front has set stays beside it. @param headers names and values in turn */
export function writeHead(res: ServerResponse, status: number, reason: string, headers: string[]): void {
  const isBare = res.getHeaderNames().length === 0
  if (!isBare) for (let i = 0; i < headers.length; i += 2) res.appendHeader(headers[i]!, headers[i + 1]!)
  const rest = isBare ? headers : []
  if (PLAIN_REASON.test(reason) && reason !== '') res.writeHead(status, reason, rest)
  else res.writeHead(status, rest)
}

/** A header of an answer, by its name in lower case. */
export function headerOf(raw: readonly string[], name: string): string | undefined {
  for (let i = 0; i < raw.length; i += 2)
    if (raw[i]!.length === name.length && raw[i]!.toLowerCase() === name) return raw[i + 1]
  return undefined
}

/** The headers of an answer by name, in lower case; of several with one name the last. */
export function headersByName(raw: readonly string[]): Readonly<Record<string, string>> {
  const record: Record<string, string> = {}
  for (let i = 0; i < raw.length; i += 2) record[raw[i]!.toLowerCase()] = raw[i + 1]!
  return record
}
