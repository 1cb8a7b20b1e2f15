import type { Millis } from '../ground/index.ts'

const UNITS: Readonly<Record<string, Millis>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 }

/** How callers say how long they will wait; where there are several the shortest counts. */
export const TIME_LEFT_HEADERS = ['grpc-timeout', 'x-envoy-expected-rq-timeout-ms', 'x-request-timeout'] as const

/**
 * How long the caller will wait for its answer, in ms, by the shortest of:
 * `grpc-timeout` (up to eight digits and a unit), `x-envoy-expected-rq-timeout-ms` (ms), `x-request-timeout` (seconds,
 * or with a unit: `800ms`, `2.5s`). What cannot be read is as if it were not there.
 */
export function timeLeft(header: (name: string) => string | undefined): Millis | undefined {
  let least: Millis | undefined
  for (const name of TIME_LEFT_HEADERS) {
    const text = header(name)
    const left = text === undefined ? undefined : read(name, text)
    if (left !== undefined && (least === undefined || left < least)) least = left
  }
  return least
}

function read(name: (typeof TIME_LEFT_HEADERS)[number], text: string): Millis | undefined {
  if (name === 'grpc-timeout') {
    const found = /^(\d{1,8})([HMSmun])$/.exec(text)
    return found === null ? undefined : Number(found[1]) * UNITS[found[2]!]!
  }
  if (name === 'x-envoy-expected-rq-timeout-ms') return /^\d{1,9}$/.test(text) ? Number(text) : undefined
  const found = /^(\d{1,9}(?:\.\d{1,6})?)(ms|s)?$/.exec(text)
  return found === null ? undefined : Number(found[1]) * (found[2] === 'ms' ? 1 : 1000)
}
