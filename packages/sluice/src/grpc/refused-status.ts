import { Metadata, status, type StatusObject } from '@grpc/grpc-js'
import { explain, REFUSALS, retryAfterOf, type Random, type Rejection } from '../ground/index.ts'
import { refuse } from '../http/index.ts'
import { PUSHBACK } from './pushback.ts'

/**
 * A refusal as a gRPC status: the code of the table of refusals, a sentence that says who refused, why, and what would
 * have been needed, and two trailers. `grpc-retry-pushback-ms` is anything between the time to come back and twice that,
 * by chance, so that those refused together do not come back together; -1 where coming back is pointless.
 * `sluice-rejection` reads as it does over HTTP.
 * @param comeBack false where it is pointless whatever the refusal says
 */
export function refusedStatus(rejection: Rejection, random: Random, comeBack: boolean = true): StatusObject {
  const wait = comeBack ? retryAfterOf(rejection) : undefined
  const metadata = new Metadata()
  metadata.set(PUSHBACK, wait === undefined ? '-1' : String(Math.ceil(wait * (1 + random()))))
  metadata.set('sluice-rejection', refuse(rejection).headers['sluice-rejection']!)
  return { code: codeOf(rejection), details: explain(rejection), metadata }
}

/** The status code of a refusal. */
function codeOf({ code }: Rejection): status {
  return status[REFUSALS[code].grpc as keyof typeof status]
}
