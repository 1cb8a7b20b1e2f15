import type { Metadata } from '@grpc/grpc-js'

/** How often the same call was tried before, as whoever retries says it (gRFC A6). */
export const PREVIOUS_ATTEMPTS = 'grpc-previous-rpc-attempts'

/** How often this call was tried before, by its own account; 0 where it does not say. */
export function previousAttempts(metadata: Metadata): number {
  const [told] = metadata.get(PREVIOUS_ATTEMPTS)
  return told !== undefined && /^\d{1,6}$/.test(String(told)) ? Number(told) : 0
}
