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
