import { checkFunction, checkNumber, checkOptions, type Arrival, type Instant } from '../ground/index.ts'
import { TIME_LEFT_HEADERS, timeLeft } from '../http/index.ts'
import { Call, type CallHost } from './call.ts'
import type { ClientOptions, Outgoing } from './client-options.ts'
import { OriginTable } from './origins.ts'

/** How whoever retries says so. */
const ATTEMPTS = ['x-stainless-retry-count', 'grpc-previous-rpc-attempts'] as const

/** What a client makes of its options once, and of each request before it is sent. */
export class Outbound {
  readonly origins: OriginTable
  /** The header that tells the origin how much time is left. */
  readonly deadlineHeader: string | undefined
  readonly #options: ClientOptions

  /** @throws RangeError for an option out of range, naming it */
  constructor(options: ClientOptions) {
    const { deadline, deadlineHeader = TIME_LEFT_HEADERS[1], gate, breaker } = checkOptions('options', options)
    // One gate for all origins would make one of them suffer for another.
    if (gate !== undefined) checkFunction('gate', gate)
    if (breaker !== undefined) checkFunction('breaker', breaker)
    if (deadline !== undefined) checkNumber('deadline', deadline, Number.MIN_VALUE)
    this.origins = new OriginTable(options)
    this.deadlineHeader = deadlineHeader === false ? undefined : deadlineHeader.toLowerCase()
    this.#options = options
  }

  /**
   * Asks to send a request.
   * @param told what the caller says of this one, beside the options
   * @param again true where it is known to be a retry
   * @throws RangeError for an arrival that makes no sense
   */
  ask(host: CallHost, request: Outgoing, told: Arrival | undefined, again: boolean, made: (call: Call) => void): void {
    const { arrival: arrivalOf, isRetry = saysSo } = this.#options
    const arrival: Arrival = { ...arrivalOf?.(request), ...told }
    const deadline = this.#deadlineOf(request, arrival)
    const call = new Call(this.origins.of(request.origin), host, this.origins.parts.clock, deadline)
    made(call)
    call.start(deadline === undefined ? arrival : { ...arrival, deadline }, again || isRetry(request))
  }

  /** What is left until then, for the header: whole ms, at least 1. */
  timeLeft(deadline: Instant): string {
    return String(Math.max(1, Math.floor(deadline - this.origins.parts.clock.now())))
  }

  #deadlineOf(request: Outgoing, arrival: Arrival): Instant | undefined {
    const left = Math.min(this.#options.deadline ?? Infinity, timeLeft((name) => request.header(name)) ?? Infinity)
    if (left === Infinity) return arrival.deadline
    return Math.min(arrival.deadline ?? Infinity, this.origins.parts.clock.now() + left)
  }
}

function saysSo(request: Outgoing): boolean {
  return ATTEMPTS.some((name) => /^[1-9]\d{0,5}$/.test(request.header(name) ?? ''))
}
