import { rounded } from './field.ts'

/** How a request asks for the load of whoever answers it: `TEXT` or `JSON`. */
export const LOAD_FORMAT = 'endpoint-load-metrics-format'
/** How it is told. */
export const LOAD_METRICS = 'endpoint-load-metrics'

/**
 * The value of {@link LOAD_METRICS} (ORCA over HTTP, as xDS has it), the writing half of what `loadTold` reads;
 * `undefined` where nobody asked in a format that is text, or there is nothing to tell.
 * @param utilization a share of what may be in progress; above 1 over the limit
 */
export function loadMetrics(format: string | undefined, utilization: number | undefined): string | undefined {
  if (format === undefined || utilization === undefined || !(utilization >= 0 && utilization < Infinity))
    return undefined
  const value = rounded(utilization)
  switch (format.trim().toUpperCase()) {
    case 'TEXT':
      return `TEXT application_utilization=${value}`
    case 'JSON':
      return `JSON {"application_utilization":${value}}`
    default:
      return undefined
  }
}

/** The format a request asks in, from names and values in turn: without a table of headers that nobody else may need. */
export function loadFormatOf(raw: readonly string[]): string | undefined {
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!
    if (name.length === LOAD_FORMAT.length && name.toLowerCase() === LOAD_FORMAT) return raw[i + 1]
  }
  return undefined
}
