import type { StatusObject } from '@grpc/grpc-js'
import {
  isRejection,
  Rejection,
  systemRandom,
  systemWallClock,
  type Arrival,
  type Random,
  type WallClock,
} from '../ground/index.ts'
import type { RetryBudget } from '../gate/index.ts'
import { Door, ownAnswer } from '../http/index.ts'
import type { Tally } from '../observe/index.ts'
import { grpcReader, isGrpcHealth, type GrpcRequest } from './grpc-request.ts'
import { LoadReporter } from './load-reporter.ts'
import { refusedStatus } from './refused-status.ts'
import type { ServerInterceptorOptions } from './server-options.ts'
import { soonest } from './wall-time.ts'

/** Of gRPC, from OK to UNAUTHENTICATED. */
const CODES = [0, 16] as const

/** What the calls of one interceptor have in common. */
export class ServerEntrance {
  readonly door: Door<GrpcRequest>
  readonly tally: Tally | undefined
  readonly load: LoadReporter
  readonly wall: WallClock
  readonly #onReject: ServerInterceptorOptions['onReject']
  readonly #random: Random
  readonly #retryBudget: RetryBudget | undefined
  readonly #dryRun: boolean

  constructor(options: ServerInterceptorOptions) {
    const { onReject, random, retryBudget, wallClock, ...shared } = options
    this.door = new Door({ bypass: isGrpcHealth, ...shared }, grpcReader, 'grpc')
    this.tally = this.door.tally
    this.load = new LoadReporter(this.door.gate, this.door.clock)
    this.wall = wallClock ?? systemWallClock
    this.#onReject = onReject
    this.#random = random ?? systemRandom
    this.#retryBudget = retryBudget
    this.#dryRun = options.dryRun === true
  }

  /** What the call asks for; `undefined` where it goes round the gate, a refusal where nobody need ask the gate. */
  arrivalOf(request: GrpcRequest): Arrival | Refused | undefined {
    const { door } = this
    if (door.bypasses(request)) return undefined
    const arrival = door.arrivalOf(request)
    if (arrival === undefined) return undefined
    const refused = this.#overBudget(request) ?? this.#degraded(request)
    if (refused !== undefined) return refused
    const { timeLeft } = request
    if (timeLeft === Infinity) return arrival
    return { ...arrival, deadline: soonest(door.clock, timeLeft, arrival.deadline)! }
  }

  /** What a refused call is answered with. */
  statusOf(request: GrpcRequest, rejection: Rejection, comeBack: boolean): StatusObject {
    const own = ownAnswer(this.door.clock, 'code', CODES, () => this.#onReject?.(rejection, request))
    return own ?? refusedStatus(rejection, this.#random, comeBack)
  }

  #overBudget(request: GrpcRequest): Refused | undefined {
    const budget = this.#retryBudget
    if (budget === undefined) return undefined
    if (request.attempts === 0) {
      budget.deposit()
      return undefined
    }
    const verdict = budget.tryEnter()
    return verdict.admitted || this.#dryRun ? undefined : new Refused(verdict, false)
  }

  #degraded(request: GrpcRequest): Refused | undefined {
    const instead = this.door.insteadOf(request)
    if (instead === undefined) return undefined
    // An answer in the words of HTTP means nothing here: what it stands for is that the call is not served.
    return new Refused(isRejection(instead) ? instead : new Rejection('shed', 'degradation', 1, 0), true)
  }
}

/** Refused before the gate was asked. */
export class Refused {
  readonly rejection: Rejection
  /** False where coming back is pointless, whatever the refusal says. */
  readonly comeBack: boolean

  constructor(rejection: Rejection, comeBack: boolean) {
    this.rejection = rejection
    this.comeBack = comeBack
  }
}
