import { REFUSALS, retryAfterOf, type Rejection } from 'sluice'
import type { OwnAnswer } from '../proxy/index.ts'

/** Who asks, as far as it was proved. */
export interface Identity {
  /** Whom limits by tenant and fair turns go by; `undefined`: everybody together. */
  readonly tenant: string | undefined
  readonly roles: readonly string[]
}

/** What a request gets that does not say who it is where it must. */
export interface Unknown {
  readonly refusal: OwnAnswer
}

/** Nobody in particular. */
export const ANYBODY: Identity = { tenant: undefined, roles: [] }

/** The refusal of requirement S3.3's form for those who cannot be told apart. */
export function unauthenticated(message: string): Unknown {
  return {
    refusal: {
      status: 401,
      code: 'UNAUTHENTICATED',
      message,
      headers: { 'www-authenticate': 'Bearer realm="sluice"' },
    },
  }
}

/** The same for those of whom it cannot be found out in time who they are. */
export function busy(rejection: Rejection): Unknown {
  const { status, wire, means } = REFUSALS[rejection.code]
  const message = `too many requests carry tokens that are not known here yet: ${means}`
  return { refusal: { status, code: wire, message, retryAfter: Math.ceil((retryAfterOf(rejection) ?? 0) / 1000) } }
}
