import type { Instant, Millis } from 'sluice'
import { commonLogDuration, jsonLogDuration } from './log-duration.ts'
import { commonLogTime, jsonLogTime } from './log-time.ts'

/** What a line of an access log says of an arrival. */
export interface LogEntry {
  /** In ms since 1970. */
  readonly at: Instant
  /** How long it took, in ms, where the line says. */
  readonly took: Millis | undefined
  /** Who sent it, where the line says and somebody asked. */
  readonly tenant: string | undefined
}

const TIMES = ['time', 'ts', 'timestamp', '@timestamp']

/**
 * Reads a line of an access log: common, combined, or JSON.
 * @param tenantField what tells tenants apart: a field of JSON lines; `host` or `user` of the others
 * @returns or, in words, why it is none
 */
export function logEntry(line: string, tenantField?: string): LogEntry | string {
  return line.startsWith('{') ? jsonEntry(line, tenantField) : commonEntry(line, tenantField)
}

function jsonEntry(text: string, tenantField: string | undefined): LogEntry | string {
  let line: Readonly<Record<string, unknown>>
  try {
    line = JSON.parse(text) as Readonly<Record<string, unknown>>
  } catch {
    return 'no JSON'
  }
  const field = TIMES.find((name) => Object.hasOwn(line, name))
  if (field === undefined) return 'no time, ts or timestamp'
  const at = jsonLogTime(line[field])
  if (at === undefined) return `${field} is no time`
  const tenant = tenantField !== undefined && Object.hasOwn(line, tenantField) ? line[tenantField] : undefined
  const named = (typeof tenant === 'string' && tenant !== '') || typeof tenant === 'number'
  return { at, took: jsonLogDuration(line), tenant: named ? String(tenant) : undefined }
}

/** By hand: a pattern for the whole line would take its time over lines made to be slow. */
function commonEntry(line: string, tenantField: string | undefined): LogEntry | string {
  const open = line.indexOf(' [')
  const close = line.indexOf(']', open)
  if (open < 0 || close < 0) return 'no time in [brackets]'
  const at = commonLogTime(line.slice(open + 2, close))
  if (at === undefined) return 'no time like 10/Oct/2000:13:55:36 -0700'
  const request = quotedEnd(line, close + 1)
  if (request === undefined) return 'no request in "quotes"'
  const [, rest] = /^ (?:\d{3}|-) (?:\d+|-)(?: (.*))?$/.exec(line.slice(request)) ?? [undefined, undefined]
  if (rest === undefined && !/^ (?:\d{3}|-) (?:\d+|-)$/.test(line.slice(request))) return 'no status and size'
  const [host = '-', , ...user] = line.slice(0, open).split(' ')
  const tenant = tenantField === 'host' ? host : tenantField === 'user' ? user.join(' ') : '-'
  return { at, took: commonLogDuration(rest ?? ''), tenant: tenant === '-' || tenant === '' ? undefined : tenant }
}

/** Where a text in quotes that begins after one space ends. */
function quotedEnd(line: string, from: number): number | undefined {
  if (!line.startsWith(' "', from)) return undefined
  for (let at = from + 2; at < line.length; at++) {
    if (line[at] === '\\') at++
    else if (line[at] === '"') return at + 1
  }
  return undefined
}
