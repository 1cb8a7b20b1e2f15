import type { HeaderOf } from './dialects/told-error.ts'

/** Headers of a response: as `fetch` or node:http have them. Names are in lower case. */
export type HeadersLike =
  | { get(name: string): string | null | undefined }
  | Readonly<Record<string, string | readonly string[] | undefined>>

/** Reads headers by name, whoever they come from. */
export function headerReader(headers: HeadersLike): HeaderOf {
  if (typeof (headers as { get?: unknown }).get === 'function')
    return (name) => (headers as { get(name: string): string | null | undefined }).get(name) ?? undefined
  const fields = headers as Readonly<Record<string, string | readonly string[] | undefined>>
  return (name) => {
    const value = fields[name]
    return typeof value === 'string' ? value : value?.[0]
  }
}
