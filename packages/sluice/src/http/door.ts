import { checkNumber, systemClock, type Arrival, type Clock, type Millis, type Rejection } from '../ground/index.ts'
import { algorithmOf, coreOf, limiter, shadow, type Gate, type Observer } from '../gate/index.ts'
import { tally, type Tally } from '../observe/index.ts'
import { atOnce } from './at-once.ts'
import { isHealthPath } from './bypass.ts'
import { Caller } from './caller.ts'
import { checkDoorOptions } from './check-door-options.ts'
import type { DoorOptions } from './door-options.ts'
import { LANES, priorityOf } from './lane.ts'
import { loadMetrics } from './load-metrics.ts'
import { ownAnswer } from './own-answer.ts'
import type { Reader } from './reader.ts'
import { bodyFormat, refuse, type RefusedResponse } from './refuse.ts'

const ORDINARY_ARRIVAL: Arrival = {}
/** The statuses that end an exchange, and that `Response` takes. */
const FINAL = [200, 599] as const

/** What a door makes of its options once, and of each request before its body is read. The same for every framework. */
export class Door<Req> {
  readonly gate: Gate
  /** What came of the requests so far. `undefined` when a gate was given that decides: its maker chose its observer. */
  readonly tally: Tally | undefined
  readonly clock: Clock
  /** How long a handler may take, in ms; as long as it likes on trial. */
  readonly timeout: Millis | undefined
  readonly #options: DoorOptions<Req>
  readonly #reader: Reader<Req>
  /** True where every request that does not go round the gate is the same to it. */
  readonly #plain: boolean

  /**
   * @param name of the gate, where none is given
   * @throws RangeError for an option out of range, naming it
   */
  constructor(options: DoorOptions<Req>, reader: Reader<Req>, name: string = 'http') {
    checkDoorOptions(options)
    const { classify, key, cost, deadline, trust, arrival } = options
    this.#options = options
    this.#reader = reader
    this.tally = options.gate === undefined || options.dryRun === true ? tally() : undefined
    if (options.gate !== undefined) coreOf('gate', options.gate)
    this.gate = gateOf(options, name, this.tally)
    // Deadlines are read on the clock of whoever decides.
    this.clock = options.clock ?? this.gate.core.clock ?? systemClock
    if (options.timeout !== undefined) checkNumber('timeout', options.timeout, Number.MIN_VALUE)
    this.timeout = options.dryRun === true ? undefined : options.timeout
    if (deadline !== undefined) checkNumber('deadline', deadline, Number.MIN_VALUE)
    this.#plain = (classify ?? key ?? cost ?? deadline ?? trust ?? arrival) === undefined
  }

  /** True for what never meets the gate. */
  bypasses(req: Req): boolean {
    const { bypass } = this.#options
    return bypass === undefined ? isHealthPath(this.#reader.target(req)) : atOnce('bypass', bypass(req))
  }

  /** What the request asks for; `undefined` where it is critical and goes round the gate. */
  arrivalOf(req: Req): Arrival | undefined {
    if (this.#plain) return ORDINARY_ARRIVAL
    const { arrival } = this.#options
    if (arrival === undefined) return this.#arrivalOf(this.#callerOf(req))
    // Nothing said is nothing special; round the gate goes only who is said to.
    return atOnce('arrival', arrival(req)) ?? ORDINARY_ARRIVAL
  }

  /**
   * What the request gets instead of being served, under pressure. Asked before the gate, and for none that goes round
   * it: what is critical is always served. On trial the steps come and go, but nobody feels it.
   */
  insteadOf(req: Req): Rejection | RefusedResponse | undefined {
    const instead = this.#options.degradation?.instead(this.#callerOf(req))
    return this.#options.dryRun === true ? undefined : instead
  }

  /** What a refused request is answered with. */
  refusal(req: Req, rejection: Rejection): RefusedResponse {
    const { body = 'envelope', onReject } = this.#options
    const own = ownAnswer(this.clock, 'status', FINAL, () => onReject?.(rejection, req))
    return own ?? refuse(rejection, bodyFormat(this.#reader.header(req, 'accept'), body))
  }

  /** What is told of the load here to whoever asks in this format. */
  load(format: string | undefined): string | undefined {
    if (format === undefined) return undefined
    const { load } = this.#options
    return loadMetrics(format, load === undefined ? utilizationOf(this.gate) : load())
  }

  #callerOf(req: Req): Caller<Req> {
    return new Caller(req, this.#reader, this.#options.trust)
  }

  #arrivalOf(caller: Caller<Req>): Arrival | undefined {
    const { classify, key, cost, deadline } = this.#options
    const lane = atOnce('classify', classify?.(caller))
    if (lane === 'critical') return undefined
    const flow = atOnce('key', key?.(caller))
    const { wishes } = caller
    const left = Math.min(deadline ?? Infinity, wishes?.timeLeft ?? Infinity)
    return {
      priority: lane ? priorityOf('classify', lane) : (wishes?.priority ?? LANES.normal),
      ...(flow !== undefined && { flow }),
      ...(cost !== undefined && { cost: cost(caller) }),
      ...(left < Infinity && { deadline: this.clock.now() + left }),
    }
  }
}

/** `undefined` for a gate that has no limit. */
function utilizationOf({ stats: { inflight, limit } }: Gate): number | undefined {
  return limit > 0 && limit < Infinity ? inflight / limit : undefined
}

function gateOf<Req>(options: DoorOptions<Req>, name: string, observer: Observer | undefined): Gate {
  const { gate, limit, dryRun = false, clock } = options
  if (gate !== undefined && limit !== undefined) throw new RangeError('limit: expected nothing beside a gate')
  const common = { name, ...(clock && { clock }), ...(!dryRun && observer && { observer }) }
  const chosen = gate ?? limiter({ ...common, ...(limit !== undefined && { limit: algorithmOf('limit', limit) }) })
  return dryRun ? shadow(chosen, observer ?? {}) : chosen
}
