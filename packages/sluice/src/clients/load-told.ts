import type { HeaderOf } from './told.ts'
import { parseList } from './structured-list.ts'

/** What a response says of the load further in. */
export interface LoadTold {
  /** Its utilisation by ORCA; 1 is all of it, and an application may say more. */
  readonly utilization?: number
  /** Its pressure by `sluice-pressure`: 1 is full, above it refuses. */
  readonly pressure?: number
}

/** A longer report is not read. */
const LONGEST = 4096
/** Nobody is a hundred times as busy as it can be. */
const HIGHEST = 100

/**
 * Reads `endpoint-load-metrics` (ORCA as xDS has it, in its formats `TEXT a=1,b=2` and `JSON {…}`) and
 * `sluice-pressure: 0.92;queue`. The utilisation is `application_utilization`, or where that is not told
 * `cpu_utilization`: the order of gRPC's weighted round robin (gRFC A58). What cannot be read is as if it were not
 * there.
 */
export function loadTold(header: HeaderOf): LoadTold | undefined {
  const report = header('endpoint-load-metrics')
  const field = header('sluice-pressure')
  if (report === undefined && field === undefined) return undefined
  const utilization = report === undefined ? undefined : utilizationOf(report)
  const pressure = field === undefined ? undefined : level(parseList(field)?.[0]?.value)
  return { ...(utilization !== undefined && { utilization }), ...(pressure !== undefined && { pressure }) }
}

function utilizationOf(report: string): number | undefined {
  if (report.length > LONGEST) return undefined
  const space = report.indexOf(' ')
  const metrics = METRICS[report.slice(0, space)]?.(report.slice(space + 1))
  if (metrics === undefined) return undefined
  // 0 is how a report says that it does not know.
  return level(metrics('application_utilization')) || level(metrics('cpu_utilization'))
}

type Metrics = (name: string) => unknown

const METRICS: Readonly<Record<string, ((report: string) => Metrics | undefined) | undefined>> = Object.assign(
  Object.create(null) as object,
  { TEXT: textMetrics, JSON: jsonMetrics },
)

function textMetrics(report: string): Metrics {
  const pairs = report.split(',').map((pair) => pair.split('='))
  return (name) => {
    const told = pairs.find(([key]) => key?.trim() === name)?.[1]?.trim()
    return told !== undefined && /^\d{1,6}(?:\.\d{1,17})?$/.test(told) ? Number(told) : undefined
  }
}

function jsonMetrics(report: string): Metrics | undefined {
  try {
    const parsed: unknown = JSON.parse(report)
    if (typeof parsed !== 'object' || parsed === null) return undefined
    return (name) => (Object.hasOwn(parsed, name) ? (parsed as Record<string, unknown>)[name] : undefined)
  } catch {
    return undefined
  }
}

function level(told: unknown): number | undefined {
  return typeof told === 'number' && told >= 0 && told <= HIGHEST ? told : undefined
}
