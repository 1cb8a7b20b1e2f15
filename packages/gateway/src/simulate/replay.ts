import { createReadStream } from 'node:fs'
import { seeded, type Instant, type Millis } from 'sluice'
import type { TraceEntry } from 'sluice/sim'
import { InputError } from '../yaml/index.ts'
import { logEntry } from './log-line.ts'
import { LONGEST_LINE, logLines } from './log-lines.ts'
import { Sample } from './sample.ts'

export interface ReplayOptions {
  /** How much quicker than it was. Above 0. Default 1. */
  readonly speed?: number
  /** What tells tenants apart: a field of JSON lines; `host` or `user` of the others. Default: nothing does. */
  readonly tenant?: string
  /** Reads no further after so many arrivals: each takes some 100 bytes. At least 1. Default 1,000,000. */
  readonly most?: number
  /** Of where in its second each arrival is put, in a log that knows only seconds. Default 1. */
  readonly seed?: number
}

/** What was read, for people and for JSON. */
export interface ReplaySummary {
  readonly arrivals: number
  /** Lines that say nothing of an arrival. */
  readonly bad: number
  /** The first of those, and why. */
  readonly firstBad: { readonly line: number; readonly why: string } | null
  /** Whether there is more of the log than was read. */
  readonly more: boolean
  /** From the first arrival to the last, in ms of the log. */
  readonly span: Millis
  readonly speed: number
  /** Whether the log knows only seconds, so that arrivals were spread over theirs by chance. */
  readonly spread: boolean
  /** Durations in the log: how many, and their mean in ms; null where there are none. */
  readonly durations: { readonly count: number; readonly mean: Millis } | null
  /** How many tenants it names. */
  readonly tenants: number
}

/** A log as arrivals. */
export interface Replay {
  readonly summary: ReplaySummary
  /** In order, from the beginning of the first second. */
  readonly trace: readonly TraceEntry[]
  /** A fair sample of the durations, at most 10,000, in ms. */
  readonly durations: readonly Millis[]
}

const MOST = 1_000_000
const SAMPLE = 10_000
/** More is a clock gone wrong, or a job for another tool. */
const LONGEST: Millis = 31 * 86_400_000
const MOST_TENANTS = 100_000

/** Reads an access log, `-` for standard input. @throws InputError for one that cannot be read or has no arrivals */
export async function readReplay(path: string, options: ReplayOptions = {}): Promise<Replay> {
  const stream = path === '-' ? process.stdin : createReadStream(path)
  stream.setEncoding('utf8')
  try {
    return await replayOf(path === '-' ? 'standard input' : path, stream as AsyncIterable<string>, options)
  } catch (error) {
    if (error instanceof InputError) throw error
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    throw new InputError(`${path}: cannot be read (${code})`)
  } finally {
    stream.destroy()
  }
}

/**
 * The same for a stream of text.
 * @param name what it is called, for messages
 * @throws InputError
 */
export async function replayOf(
  name: string,
  chunks: AsyncIterable<string>,
  { speed = 1, tenant, most = MOST, seed = 1 }: ReplayOptions = {},
): Promise<Replay> {
  const found: { at: Instant; flow?: string }[] = []
  const flows = new Map<string, string>()
  const durations = new Sample(SAMPLE)
  let total = 0
  let number = 0
  let bad = 0
  let firstBad: ReplaySummary['firstBad'] = null
  let more = false
  for await (const line of logLines(chunks)) {
    number++
    if (line.trim() === '') continue
    const entry = line.length > LONGEST_LINE ? `longer than ${LONGEST_LINE} characters` : logEntry(line, tenant)
    if (typeof entry === 'string') {
      bad++
      firstBad ??= { line: number, why: entry }
      continue
    }
    if (found.length === most) {
      more = true
      break
    }
    const flow = entry.tenant === undefined ? undefined : interned(flows, entry.tenant)
    found.push(flow === undefined ? { at: entry.at } : { at: entry.at, flow })
    if (entry.took === undefined) continue
    durations.add(entry.took)
    total += entry.took
  }
  if (found.length === 0)
    throw new InputError(
      firstBad === null
        ? `${name}: empty`
        : `${name}:${firstBad.line}: ${firstBad.why}, and no line of ${bad} is better`,
    )
  if (tenant !== undefined && flows.size === 0)
    throw new InputError(`${name}: no line has a ${JSON.stringify(tenant)} to tell tenants apart by`)
  const { span, spread } = settle(name, found, speed, seed)
  const count = durations.seen
  return {
    summary: {
      arrivals: found.length,
      bad,
      firstBad,
      more,
      span,
      speed,
      spread,
      durations: count === 0 ? null : { count, mean: total / count },
      tenants: flows.size,
    },
    trace: found,
    durations: durations.values,
  }
}

/** Puts them in order and counts from the first second. A log is written as answers end, not as requests come. */
function settle(
  name: string,
  found: { at: Instant }[],
  speed: number,
  seed: number,
): { readonly span: Millis; readonly spread: boolean } {
  const spread = found.every(({ at }) => at % 1000 === 0)
  const random = seeded(seed)
  let first = Infinity
  let last = -Infinity
  for (const { at } of found) {
    first = Math.min(first, at)
    last = Math.max(last, at)
  }
  const span = last - first
  if (span > LONGEST)
    throw new InputError(
      `${name}: from ${new Date(first).toISOString()} to ${new Date(last).toISOString()}; expected 31 days at most`,
    )
  const begin = Math.floor(first / 1000) * 1000
  // Whole seconds as they stand would be one burst a second.
  for (const entry of found) entry.at = (entry.at - begin + (spread ? random() * 999.999 : 0)) / speed
  found.sort((one, other) => one.at - other.at)
  return { span, spread }
}

/** One string for each, and an end to how many: beyond it, all others are one. */
function interned(flows: Map<string, string>, name: string): string {
  const known = flows.get(name)
  if (known !== undefined) return known
  // A copy: a part of a text keeps all of it in memory, here the chunk of the log that it was read with.
  const flow = flows.size < MOST_TENANTS - 1 ? Buffer.from(name.slice(0, 100)).toString() : '(others)'
  flows.set(flow, flow)
  return flow
}
