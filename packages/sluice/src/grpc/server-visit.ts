import { status, type Metadata, type Responder, type ServerInterceptingCallInterface } from '@grpc/grpc-js'
import type { Millis, Outcome, Permit, Rejection, Timer } from '../ground/index.ts'
import type { Verdict } from '../gate/index.ts'
import { waitHeaders } from '../http/index.ts'
import { ServerRequest } from './grpc-request.ts'
import { outcomeOfStatus } from './outcome-of-status.ts'
import { Refused, type ServerEntrance } from './server-entrance.ts'

type PartialStatus = Parameters<ServerInterceptingCallInterface['sendStatus']>[0]
type Onward = (metadata: Metadata) => void

/**
 * Whoever leaves so shortly before the deadline leaves because of it, in ms: the client's clock began to run before
 * ours, so it gives up first.
 */
const AT_THE_DEADLINE: Millis = 20

/**
 * One call on its way through the gate. The metadata are held back until it is let in: grpc-js asks for the first message
 * only then, so whoever is refused is refused undecoded. The permit ends on the first of: a status is sent, the call is
 * cancelled, its stream or its connection closes; grpc-js tells of the last three in the same way.
 */
export class ServerVisit {
  readonly #entrance: ServerEntrance
  readonly #path: string
  readonly #call: ServerInterceptingCallInterface
  #request: ServerRequest | undefined
  #asking = false
  #verdict: Verdict | undefined
  #waiting: { cancel(): void } | undefined
  #permit: Permit | undefined
  #timer: Timer | undefined
  /** How long it waited, in ms. */
  #waited: Millis = 0
  /** The status is out, or nobody is there to take it. */
  #over = false

  constructor(entrance: ServerEntrance, path: string, call: ServerInterceptingCallInterface) {
    this.#entrance = entrance
    this.#path = path
    this.#call = call
  }

  readonly responder: Responder = {
    start: (next) =>
      next({
        onReceiveMetadata: (metadata, onward) => this.#enter(metadata, onward),
        onCancel: () => this.#left(),
      }),
    sendMetadata: (metadata, next) => {
      const told = waitHeaders(this.#waited)
      if (told === undefined) return next(metadata)
      const own = metadata.clone()
      for (const [name, value] of told) own.set(name, value)
      next(own)
    },
    sendMessage: (message, next) => {
      // A handler that goes on after its time was up would write to a stream that has ended.
      if (!this.#over) next(message)
    },
    sendStatus: (sent, next) => {
      if (this.#over) return
      this.#over = true
      this.#entrance.load.report(this.#call)
      next(sent)
      this.#end(outcomeOfStatus(sent.code))
    },
  }

  #enter(metadata: Metadata, onward: Onward): void {
    const { door, wall } = this.#entrance
    const request = new ServerRequest(this.#path, metadata, this.#call, wall)
    this.#request = request
    try {
      const arrival = this.#entrance.arrivalOf(request)
      if (arrival instanceof Refused) return this.#refuse(arrival.rejection, arrival.comeBack)
      if (arrival !== undefined) {
        this.#asking = true
        this.#waiting = door.gate.enter(arrival, (verdict) => this.#answer(verdict, onward))
      }
    } catch {
      return this.#fail()
    } finally {
      this.#asking = false
    }
    // Acted upon out here, so that an error of whoever is behind is not taken for one of the options.
    const verdict = this.#verdict
    this.#verdict = undefined
    if (verdict !== undefined) this.#act(verdict, onward)
    else if (this.#waiting === undefined) onward(metadata)
  }

  #answer(verdict: Verdict, onward: Onward): void {
    if (this.#asking) {
      this.#verdict = verdict
      return
    }
    this.#waiting = undefined
    try {
      this.#act(verdict, onward)
    } catch (error) {
      // This runs because somebody else released: the error must surface by itself, not in that other call.
      queueMicrotask(() => {
        throw error
      })
    }
  }

  #act(verdict: Verdict, onward: Onward): void {
    if (!verdict.admitted) return this.#refuse(verdict, true)
    const { door, load } = this.#entrance
    this.#permit = verdict
    this.#waited = verdict.waited
    load.admitted()
    if (door.timeout !== undefined)
      this.#timer = door.clock.after(door.timeout, () => this.#timeUp(door.timeout!), { background: true })
    try {
      onward(this.#request!.metadata)
    } catch (error) {
      this.#end('failure')
      throw error
    }
  }

  #refuse(rejection: Rejection, comeBack: boolean): void {
    if (!this.#over) this.#send(this.#entrance.statusOf(this.#request!, rejection, comeBack))
  }

  /** An option of ours threw. As with a handler that throws, the client does not learn why. */
  #fail(): void {
    if (!this.#over) this.#call.sendStatus({ code: status.UNKNOWN, details: 'Unknown error' })
    this.#over = true
  }

  #timeUp(timeout: Millis): void {
    const details = `${this.#entrance.door.gate.name}: the handler took longer than ${timeout} ms`
    this.#send({ code: status.DEADLINE_EXCEEDED, details })
    this.#end('dropped')
  }

  #send(refused: PartialStatus): void {
    this.#over = true
    this.#entrance.load.report(this.#call)
    this.#call.sendStatus(refused)
  }

  /** The client left, its connection closed, or the call is simply over. */
  #left(): void {
    this.#over = true
    this.#waiting?.cancel()
    if (this.#permit === undefined) return
    const outcome = this.#isLate() ? 'dropped' : 'ignored'
    // The handler is told right after this: it is to stop before whoever gets its place begins.
    queueMicrotask(() => this.#end(outcome))
  }

  #isLate(): boolean {
    return this.#request!.timeLeft <= AT_THE_DEADLINE
  }

  /** Gives the permit back. The first ending counts. */
  #end(outcome: Outcome): void {
    const permit = this.#permit
    if (permit === undefined) return
    this.#permit = undefined
    this.#timer?.cancel()
    permit.release(outcome)
  }
}
