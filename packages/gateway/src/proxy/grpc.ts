import type { IncomingMessage } from 'node:http'
import { explain, retryAfterOf, systemRandom, type Millis, type Rejection } from 'sluice'
import { refuse, type RefusedResponse } from 'sluice/http'
import type { HeaderOf } from 'sluice/undici'

/** Statuses of gRPC for those of HTTP that are said here, as the table of refusals has them. */
const CODES: Readonly<Record<number, number>> = {
  400: 13,
  401: 16,
  403: 7,
  404: 12,
  405: 12,
  413: 8,
  417: 13,
  429: 8,
  431: 8,
  499: 1,
  501: 12,
  502: 14,
  503: 14,
  504: 4,
}
const UNKNOWN = 2

/** The other way round, of those that are more than the caller's mistake. */
const STATUSES: ReadonlyMap<string, number> = new Map([
  ['2', 500],
  ['4', 504],
  ['8', 429],
  ['12', 501],
  ['13', 500],
  ['14', 503],
  ['15', 500],
])

/** True for a call of gRPC, which is answered in its own terms: over HTTP/2, and not the dialect of browsers. */
export function isGrpc({ httpVersionMajor, headers }: IncomingMessage): boolean {
  return httpVersionMajor === 2 && /^application\/grpc(?:[+;]|$)/i.test(headers['content-type'] ?? '')
}

/** What the status at the end of a call would be in HTTP: limits and breakers go by that. `undefined` where it is fine. */
export function statusOfGrpc(code: string): number | undefined {
  return STATUSES.get(code)
}

/** A refusal by an upstream. */
export interface RefusalBelow {
  readonly status: 429 | 503
  /** Names and values in turn. */
  readonly headers: readonly string[]
}

/**
 * A refusal at the end of a call as HTTP would have it, with when to come back where that is told; `undefined` where it is
 * none.
 * @param field reads what follows the answer, or its head where nothing does
 */
export function refusalBelow(field: HeaderOf): RefusalBelow | undefined {
  const status = statusOfGrpc(field('grpc-status') ?? '')
  if (status !== 429 && status !== 503) return undefined
  const pushback = field('grpc-retry-pushback-ms')
  return { status, headers: pushback === undefined ? [] : ['retry-after-ms', pushback] }
}

/** A refusal as what every client of gRPC understands: a head with the status, and nothing behind it. */
export function grpcRefusal(rejection: Rejection): RefusedResponse {
  const { status, headers } = refuse(rejection)
  const told = { 'sluice-rejection': headers['sluice-rejection']! }
  return grpcAnswer(status, explain(rejection), retryAfterOf(rejection), told)
}

/**
 * An answer of the gateway's own to such a call.
 * @param comeBack in ms; told as anything between that and twice that, so that those who are sent away together do not
 * come back together. `undefined`: coming back is pointless
 */
export function grpcAnswer(
  status: number,
  message: string,
  comeBack: Millis | undefined,
  more: Readonly<Record<string, string>> = {},
): RefusedResponse {
  return {
    status: 200,
    headers: {
      'content-type': 'application/grpc',
      // So that it ends with its head, whoever ends it when.
      'content-length': '0',
      'grpc-status': String(CODES[status] ?? UNKNOWN),
      'grpc-message': encoded(message),
      'grpc-retry-pushback-ms': comeBack === undefined ? '-1' : String(Math.ceil(comeBack * (1 + systemRandom()))),
      ...more,
    },
    body: '',
  }
}

/** As gRPC writes messages: what is no visible ASCII goes byte by byte, in per cent. */
function encoded(message: string): string {
  const escaped = (part: string): string => Buffer.from(part).toString('hex').toUpperCase().replaceAll(/../g, '%$&')
  return message.replaceAll(/[^ -$&-~]+/g, escaped)
}
