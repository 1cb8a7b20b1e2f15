import { isRejection, type Rejection } from '../ground/index.ts'

/** Why `clientInterceptor` did not send a call, of the error the call ended with; `undefined` for errors from the wire. */
export function localRejection(error: unknown): Rejection | undefined {
  const rejection: unknown = (error as { readonly rejection?: unknown } | null | undefined)?.rejection
  return isRejection(rejection) ? rejection : undefined
}
