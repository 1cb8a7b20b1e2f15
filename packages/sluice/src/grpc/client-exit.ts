import type { InterceptorOptions, StatusObject } from '@grpc/grpc-js'
import {
  checkNumber,
  Rejection,
  systemClock,
  systemRandom,
  tell,
  type Arrival,
  type Clock,
  type Millis,
  type Random,
  systemWallClock,
  type WallClock,
} from '../ground/index.ts'
import { coreOf, keyed, limiter, shadow, type Gate, type RetryBudget } from '../gate/index.ts'
import { LANES } from '../http/index.ts'
import { tally, type Tally } from '../observe/index.ts'
import type { ClientInterceptorOptions, OutgoingCall } from './client-options.ts'
import { loadReportOf } from './load-report.ts'
import { Holds, pushbackOf } from './pushback.ts'
import { soonest, timeUntil } from './wall-time.ts'

const NAME = 'grpc-client'

/** What the calls of one interceptor have in common. */
export class ClientExit {
  readonly gate: Gate
  readonly tally: Tally | undefined
  readonly clock: Clock
  readonly wall: WallClock
  readonly random: Random
  readonly #options: ClientInterceptorOptions
  readonly #deadline: Millis | undefined
  readonly #holds: Holds
  readonly #retryBudget: RetryBudget | undefined

  constructor(options: ClientInterceptorOptions) {
    const { gate, deadline, maxPause = 60_000, dryRun = false, retryBudget, wallClock } = options
    this.#options = options
    this.tally = gate === undefined || dryRun ? tally() : undefined
    const counted = dryRun ? undefined : this.tally
    const chosen =
      gate ??
      keyed(
        ({ flow }) => flow,
        () => limiter({ name: NAME, ...(options.clock && { clock: options.clock }) }),
        { name: NAME, ...(counted && { observer: counted }) },
      )
    this.gate = dryRun ? shadow(chosen, this.tally!) : chosen
    this.clock = options.clock ?? coreOf('gate', chosen).clock ?? systemClock
    this.wall = wallClock ?? systemWallClock
    this.random = options.random ?? systemRandom
    this.#deadline = deadline === undefined ? undefined : checkNumber('deadline', deadline, Number.MIN_VALUE)
    this.#holds = new Holds(this.clock, checkNumber('maxPause', maxPause, Number.MIN_VALUE))
    this.#retryBudget = retryBudget
  }

  /** The options of a call with its deadline in them: its own, that of the call it is made for, or ours. */
  withDeadline(options: InterceptorOptions): InterceptorOptions {
    if (this.#deadline === undefined) return options
    const latest = this.wall() + this.#deadline
    return latest < Number(options.deadline ?? Infinity) ? { ...options, deadline: latest } : options
  }

  /** How long the caller will wait, in ms. */
  timeLeft({ deadline = Infinity, parent, propagate_flags: flags }: InterceptorOptions): Millis {
    const own = timeUntil(deadline, this.wall)
    // By default grpc-js hands on the deadline of the call this one is made for; without the flag it does not.
    if (parent === undefined || (flags !== undefined && (flags & PROPAGATE_DEADLINE) === 0)) return own
    return Math.min(own, timeUntil(parent.getDeadline(), this.wall))
  }

  /** What the call asks for; `undefined` where it goes round the gate, a refusal where nobody need ask the gate. */
  arrivalOf(call: OutgoingCall): Arrival | Rejection | undefined {
    const { bypass, classify, key, cost } = this.#options
    if (bypass?.(call) === true) return undefined
    const lane = classify?.(call)
    if (lane === 'critical') return undefined
    const refused = this.#toBeLeftAlone(call) ?? this.#overBudget(call)
    if (refused !== undefined && this.#options.dryRun !== true) return refused
    const flow = key === undefined ? call.target : key(call)
    const deadline = soonest(this.clock, call.timeLeft, undefined)
    return {
      ...(lane !== undefined && { priority: LANES[lane] }),
      ...(flow !== undefined && { flow }),
      ...(cost !== undefined && { cost: cost(call) }),
      ...(deadline !== undefined && { deadline }),
    }
  }

  /** Hears what the answer says beside the answer. */
  heed({ metadata }: StatusObject, call: OutgoingCall): void {
    const pushback = pushbackOf(metadata)
    if (typeof pushback === 'number' && pushback > 0 && this.#options.pushback !== 'none')
      this.#holds.note(this.#heldAs(call), pushback)
    const { onLoadReport } = this.#options
    const report = onLoadReport && loadReportOf(metadata)
    if (report !== undefined) onLoadReport!(report, call)
  }

  refused(rejection: Rejection, call: OutgoingCall): void {
    tell(this.clock, this.#options.onReject, rejection, call)
  }

  #toBeLeftAlone(call: OutgoingCall): Rejection | undefined {
    const left = this.#holds.left(this.#heldAs(call))
    return left > 0 ? new Rejection('breaker_open', `${this.gate.name}/pushback`, 1, 0, left) : undefined
  }

  #overBudget({ attempts }: OutgoingCall): Rejection | undefined {
    const budget = this.#retryBudget
    if (budget === undefined) return undefined
    if (attempts === 0) {
      budget.deposit()
      return undefined
    }
    const verdict = budget.tryEnter()
    return verdict.admitted ? undefined : verdict
  }

  #heldAs({ target, path }: OutgoingCall): string {
    return this.#options.pushback === 'method' ? `${target}${path}` : target
  }
}

/** `propagate.DEADLINE` of grpc-js. */
const PROPAGATE_DEADLINE = 1
