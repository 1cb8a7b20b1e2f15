import type { Millis } from 'sluice'
import { ConfigError } from './config-error.ts'

/** What may be said about admission, by flags or by the environment. What is left out is decided further down. */
export interface Settings {
  /** False: everybody is let in. */
  readonly enabled?: boolean
  /** In progress at once; left out, the limit is found by itself. */
  readonly maxConcurrent?: number
  /** Waiting at once. */
  readonly queueCapacity?: number
  /** The longest anybody waits, in ms. */
  readonly waitTimeout?: Millis
  /** In progress and waiting together, at which everybody is refused. */
  readonly rejectThreshold?: number
}

/** No setting is larger: beyond it a count is a typing error. */
const MOST = 1_000_000
/** A day, in seconds. */
const LONGEST = 86_400

const WORDS: Readonly<Record<string, boolean>> = {
  true: true,
  false: false,
  '1': true,
  '0': false,
  yes: true,
  no: false,
  on: true,
  off: false,
}

/**
 * Reads a switch: `true`, `false`, `1`, `0`, `yes`, `no`, `on`, `off`, in any case.
 * @throws ConfigError
 */
export function switchOf(setting: string, value: string): boolean {
  const word = WORDS[value.trim().toLowerCase()]
  if (word === undefined) throw new ConfigError(setting, value, 'true or false')
  return word
}

/**
 * Reads a whole number.
 * @throws ConfigError
 */
export function countOf(setting: string, value: string, least: number, most: number = MOST): number {
  const count = /^\d+$/.test(value.trim()) ? Number(value) : NaN
  if (!(count >= least && count <= most))
    throw new ConfigError(setting, value, `a whole number from ${least} to ${most}`)
  return count
}

/**
 * Reads a number of seconds, fractions allowed, as ms.
 * @throws ConfigError
 */
export function secondsOf(setting: string, value: string): Millis {
  const seconds = /^\d+(\.\d+)?$/.test(value.trim()) ? Number(value) : NaN
  if (!(seconds <= LONGEST)) throw new ConfigError(setting, value, `seconds from 0 to ${LONGEST}, like 3 or 0.5`)
  return seconds * 1000
}

/**
 * The environment of requirement S3.4. A variable that is there but empty counts as not there.
 * @throws ConfigError naming variable, value and expectation
 */
export function environmentSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const settings: { -readonly [K in keyof Settings]: Settings[K] } = {}
  const read = (name: string, use: (value: string) => void): void => {
    const value = environment[name]
    if (value !== undefined && value.trim() !== '') use(value)
  }
  const { ENABLED, MAX_CONCURRENT, QUEUE_CAPACITY, WAIT_TIMEOUT, REJECT_THRESHOLD } = VARIABLES
  read(ENABLED, (value) => (settings.enabled = switchOf(ENABLED, value)))
  read(MAX_CONCURRENT, (value) => (settings.maxConcurrent = countOf(MAX_CONCURRENT, value, 1)))
  read(QUEUE_CAPACITY, (value) => (settings.queueCapacity = countOf(QUEUE_CAPACITY, value, 0)))
  read(WAIT_TIMEOUT, (value) => (settings.waitTimeout = secondsOf(WAIT_TIMEOUT, value)))
  read(REJECT_THRESHOLD, (value) => (settings.rejectThreshold = countOf(REJECT_THRESHOLD, value, 1)))
  return settings
}

/** Requirement S3.4. */
export const VARIABLES = {
  ENABLED: 'ENABLE_BACKPRESSURE',
  MAX_CONCURRENT: 'BACKPRESSURE_MAX_CONCURRENT',
  QUEUE_CAPACITY: 'BACKPRESSURE_QUEUE_CAPACITY',
  WAIT_TIMEOUT: 'BACKPRESSURE_WAIT_TIMEOUT',
  REJECT_THRESHOLD: 'BACKPRESSURE_REJECT_THRESHOLD',
} as const
