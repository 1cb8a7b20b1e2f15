import { isRejection, type Outcome } from '../ground/index.ts'

/** The longest chain of causes that is followed. */
const DEEPEST = 5

const DROPPED: ReadonlySet<unknown> = new Set([
  'ETIMEDOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
])

/** Never sent, or called off by the caller: says nothing about the server. */
const IGNORED: ReadonlySet<unknown> = new Set([
  'ERR_INVALID_URL',
  'UND_ERR_ABORTED',
  'UND_ERR_CLOSED',
  'UND_ERR_DESTROYED',
  'UND_ERR_INVALID_ARG',
  'UND_ERR_NOT_SUPPORTED',
])

/**
 * What an error says about how a request ended.
 *
 * | error                                             | outcome   |
 * |---------------------------------------------------|-----------|
 * | refused further in; timed out                     | `dropped` |
 * | called off; never sent, for it makes no sense     | `ignored` |
 * | anything else: no connection, reset, unreadable   | `failure` |
 */
export function outcomeOfFailure(error: unknown): Outcome {
  let cause = error
  for (let depth = 0; depth < DEEPEST && typeof cause === 'object' && cause !== null; depth++) {
    const { code, name, rejection, cause: deeper } = cause as Record<string, unknown>
    if (isRejection(rejection) || DROPPED.has(code) || name === 'TimeoutError') return 'dropped'
    if (IGNORED.has(code) || name === 'AbortError') return 'ignored'
    cause = deeper
  }
  return 'failure'
}
