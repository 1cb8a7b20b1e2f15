import type { Reply } from './load.ts'

/** What a rejection says of itself. */
export interface Refusal {
  /** The code in its body, or else `status 503`. */
  readonly reason: string
  /** True when it says in machine-readable form why, and when to come back. */
  readonly explained: boolean
}

/** True for the two statuses that say: not now. */
export function isRefusal(status: number): boolean {
  return status === 503 || status === 429
}

/** Reads a rejection: `retry-after` in whole seconds and a JSON body with `error.code` or, RFC 9457, `code`. */
export function readRefusal(reply: Reply): Refusal {
  const code = codeOf(reply.body)
  const comeBack = /^\d+$/.test(reply.header('retry-after') ?? '')
  return { reason: code ?? `status ${reply.status}`, explained: code !== undefined && comeBack }
}

function codeOf(body: string): string | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(body)
  } catch {
    return undefined
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined
  const { error, code } = parsed as { error?: { code?: unknown } | null; code?: unknown }
  const found = code ?? error?.code
  return typeof found === 'string' && found !== '' ? found : undefined
}
