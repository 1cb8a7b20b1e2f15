import type { Arrival, Clock, Millis, Rejection } from '../ground/index.ts'
import type { Gate } from '../gate/index.ts'
import type { LimitAlgorithm } from '../limit/index.ts'
import type { Caller } from './caller.ts'
import type { Degradation } from './degradation.ts'
import type { Lane } from './lane.ts'
import type { BodyFormat, RefusedResponse } from './refuse.ts'
import type { Trust } from './trust.ts'

/** What every server door takes. `Req` is the request of its framework. */
export interface DoorOptions<Req> {
  /** Who decides. Default: `limiter({ name: 'http' })`, which finds its limit by itself. */
  readonly gate?: Gate
  /**
   * Instead of a `gate`: how many requests may be in progress, a whole number of at least 1, or what finds that number.
   * Default `adaptive()`.
   */
  readonly limit?: number | LimitAlgorithm
  /**
   * True for requests that never meet the gate. Called once for each request, before its body is read.
   * Default: `/health`, `/health/*`, `/healthz`, `/live`, `/livez`, `/ready`, `/readyz`, `/metrics`, `/metrics/*`.
   */
  readonly bypass?: (req: Req) => boolean
  /**
   * How much a request matters (requirement S3.6): `laneBy([…])` with rules, of which the first that fits decides, or a
   * function of one's own. Lane `critical` never meets the gate. Default: every request is `normal`, unless a believed
   * peer says otherwise in an RFC 9218 `priority` header.
   */
  readonly classify?: (caller: Caller<Req>) => Lane | undefined
  /**
   * Whom to be fair to: `byAddress` (IPv6 by /64), or what the application knows of the caller. Default: nobody is told
   * apart. A gate whose queue is `fair`, or a `keyed` one, makes use of it.
   */
  readonly key?: (caller: Caller<Req>) => string | undefined
  /** What a request takes, in units of the limit; above 0. Default 1. */
  readonly cost?: (caller: Caller<Req>) => number
  /**
   * How long a request may take from its arrival on, waiting included, in ms; above 0. Later it is not begun. A
   * believed peer may shorten it (`grpc-timeout`, `x-envoy-expected-rq-timeout-ms`, `x-request-timeout`), nobody can
   * lengthen it. Default: no end, save one a believed peer names.
   */
  readonly deadline?: Millis
  /**
   * How long the handler may take once it was let in, in ms; above 0. Then the request is answered with 504, the signal
   * of its work is aborted and its slot comes back. Default: as long as it likes.
   */
  readonly timeout?: Millis
  /**
   * The peers whose headers are believed: `trust([…])` of addresses, ranges (`10.0.0.0/8`), `loopback`, `linklocal`,
   * `private`. From them `x-forwarded-for`, `priority` and deadlines count. Default: nobody's do.
   */
  readonly trust?: Trust
  /**
   * Instead of `classify`, `key`, `cost` and `deadline`: what the request asks for. What it throws surfaces like an
   * error of the handler, with nothing taken.
   */
  readonly arrival?: (req: Req) => Arrival
  /** What is given up step by step under pressure (requirement S3.12), before the gate is asked. Default: nothing. */
  readonly degradation?: Degradation<Req>
  /**
   * How a refusal is written: `envelope` is `{"success":false,"error":{"code","message","retry_after"}}`, `problem`
   * is RFC 9457. A request whose `accept` names `application/problem+json` gets that, unless it likes other
   * JSON better. Default `envelope`.
   */
  readonly body?: BodyFormat
  /**
   * Hears of each refusal, and may answer with a response of its own, at once: nobody waits for a promise. What it throws
   * surfaces by itself, as a status that is not from 200 to 599 does, and the request is refused all the same. Default:
   * the `body` format.
   */
  readonly onReject?: (rejection: Rejection, req: Req) => RefusedResponse | undefined | void
  /**
   * What a request that asks for it (`endpoint-load-metrics-format: TEXT` or `JSON`) is told of the load here (ORCA): 1 is
   * all of it, `undefined` nothing. Default: what is in progress at the gate as a share of its limit.
   */
  readonly load?: () => number | undefined
  /**
   * Decide, count, and let everybody in all the same: how one begins. Then `degradation` turns nobody away, and no
   * handler meets its `timeout`. Default false.
   */
  readonly dryRun?: boolean
  /** Default: the system clock. */
  readonly clock?: Clock
}
