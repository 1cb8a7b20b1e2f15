import type { IncomingMessage, ServerResponse } from 'node:http'
import { isRejection, Rejection, type Clock, type Millis } from '../ground/index.ts'
import { isThenable, type Gate } from '../gate/index.ts'
import {
  Door,
  loadFormatOf,
  LOAD_METRICS,
  mostPerConnection,
  Pacer,
  Visit,
  visitOf,
  type DoorOptions,
  type Host,
  type PerConnection,
  type Reader,
  type RefusedResponse,
} from '../http/index.ts'
import type { Tally } from '../observe/index.ts'
import { nodeEventLoop } from './node-event-loop.ts'
import { clearAnswer, takeAway } from './node-overdue.ts'
import { remember } from './node-signal.ts'
import { tellWait, writeRefusal } from './node-refusal.ts'
import { tellsEnd } from './node-tells-end.ts'

/** What every server in the manner of node:http takes. `Ask` is the request of its framework. */
export interface NodeDoorOptions<Ask> extends DoorOptions<Ask>, PerConnection {}

/** What a door on node:http shows beside being a function. */
export interface NodeProtection {
  /** The gate in front: its `stats`, and `close()` for draining. */
  readonly gate: Gate
  /** What came of the requests so far. `undefined` when a gate was given that decides: its maker chose its observer. */
  readonly tally: Tally | undefined
  /** Handlers whose `timeout` came and who have neither ended their answer nor settled their promise since. */
  readonly zombies: number
}

/** One request as the framework has it. */
export interface Ask<Req> {
  readonly ask: Req
  readonly req: IncomingMessage
  readonly res: ServerResponse
  /**
   * Hands the request to whatever stands behind the gate. A promise it returns is watched for its rejection.
   * Called at once or when its turn has come, at most once.
   */
  readonly proceed: (req: IncomingMessage, res: ServerResponse) => unknown
  /** Called before an answer is written here: for headers the framework has kept to itself so far. */
  readonly prepare?: () => void
  /** Called instead of `proceed` once the request was answered here, or its client has left. */
  readonly turnedAway?: () => void
  /** True when the client waits to be told to send its body. */
  readonly expectsContinue?: boolean | undefined
  /** Set by the entrance once the work was called off: its end ends a zombie. */
  settled?: (() => void) | undefined
}

type AskVisit<Req> = Visit<IncomingMessage, ServerResponse, Ask<Req>>

/**
 * The way in for all that stands on node:http: bypass, degradation, gate, pace, timeout, refusal. A framework says how
 * its requests are read and what comes behind.
 */
export class NodeEntrance<Req> implements NodeProtection, Host<IncomingMessage, ServerResponse, Ask<Req>> {
  zombies = 0
  readonly gate: Gate
  readonly tally: Tally | undefined
  readonly clock: Clock
  readonly pacer: Pacer
  readonly timeout: Millis | undefined
  readonly most: number
  readonly tellsEnd: typeof tellsEnd = tellsEnd
  readonly #door: Door<Req>

  /** @throws RangeError for an option out of range, naming it */
  constructor(options: NodeDoorOptions<Req>, reader: Reader<Req>) {
    const door = new Door(options, reader)
    this.#door = door
    this.gate = door.gate
    this.tally = door.tally
    this.clock = door.clock
    this.timeout = door.timeout
    this.most = mostPerConnection(options)
    this.pacer = pacerOf(door.clock)
  }

  /**
   * Lets one request in, or answers it.
   * @throws whatever `proceed` throws when it is called at once, and what `classify`, `key` and their like throw
   */
  enter(asked: Ask<Req>): void {
    const { ask, req, res } = asked
    // Answered further out already, because its time was up: nothing would tell of its end any more.
    if (visitOf(req)?.over === true) return asked.turnedAway?.()
    const arrival = this.#door.bypasses(ask) ? undefined : this.#door.arrivalOf(ask)
    if (arrival === undefined || res.writableEnded) {
      remember(req, res)
      if (asked.expectsContinue === true) res.writeContinue()
      asked.proceed(req, res)
      return
    }
    const instead = this.#door.insteadOf(ask)
    if (instead !== undefined) return this.#answer(asked, instead, 0)
    new Visit<IncomingMessage, ServerResponse, Ask<Req>>(this, req, res, asked).enter(arrival)
  }

  admitted(visit: AskVisit<Req>): void {
    const { request, response, task } = visit
    tellWait(response, visit.waited)
    this.#tellLoad(request, response)
    if (task.expectsContinue === true) response.writeContinue()
    const result = task.proceed(request, response)
    if (isThenable(result)) this.#follow(visit, result)
  }

  refused({ task, waited }: AskVisit<Req>, rejection: Rejection): void {
    this.#answer(task, rejection, waited)
  }

  gone({ task }: AskVisit<Req>): void {
    task.turnedAway?.()
  }

  late({ request, response, task, waited }: AskVisit<Req>): void {
    const { timeout = 0 } = this
    if (response.headersSent) request.socket.destroy()
    else {
      clearAnswer(response)
      this.#write(task, new Rejection('deadline', this.gate.name, timeout, timeout), waited)
    }
    this.zombies++
    task.settled = (): void => {
      task.settled = undefined
      this.zombies--
    }
    takeAway(request, response, this.clock, () => task.settled?.())
  }

  #answer(asked: Ask<Req>, answer: Rejection | RefusedResponse, waited: Millis): void {
    this.#write(asked, answer, waited)
    asked.turnedAway?.()
  }

  #write(asked: Ask<Req>, answer: Rejection | RefusedResponse, waited: Millis): void {
    const { ask, req, res, expectsContinue = false } = asked
    asked.prepare?.()
    if (!res.headersSent) this.#tellLoad(req, res)
    const refused = isRejection(answer)
    const last = refused && answer.code === 'closed'
    const { clock } = this
    writeRefusal(req, res, refused ? this.#door.refusal(ask, answer) : answer, {
      waited,
      last,
      unsentBody: expectsContinue,
      clock,
    })
  }

  #tellLoad(req: IncomingMessage, res: ServerResponse): void {
    const load = this.#door.load(loadFormatOf(req.rawHeaders))
    if (load !== undefined) res.setHeader(LOAD_METRICS, load)
  }

  #follow(visit: AskVisit<Req>, result: PromiseLike<unknown>): void {
    // Without a second handler the derived promise rejects with the same reason: still unhandled, as it should be.
    void result.then(
      () => visit.task.settled?.(),
      (error: unknown) => {
        visit.task.settled?.()
        visit.end('failure')
        throw error
      },
    )
  }
}

// Whatever is protected on this thread shares its loop: two pacers would each start work in the same turn.
const pacers = new WeakMap<Clock, Pacer>()

function pacerOf(clock: Clock): Pacer {
  let pacer = pacers.get(clock)
  if (pacer === undefined) {
    pacer = new Pacer(nodeEventLoop, clock)
    pacers.set(clock, pacer)
  }
  return pacer
}
