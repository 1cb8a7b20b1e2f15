import {
  Metadata,
  status,
  type InterceptingListener,
  type InterceptorOptions,
  type Listener,
  type NextCall,
  type Requester,
  type StatusObject,
} from '@grpc/grpc-js'
import { isRejection, Rejection, type Outcome, type Permit, type Timer } from '../ground/index.ts'
import type { Verdict } from '../gate/index.ts'
import { previousAttempts } from './attempts.ts'
import type { ClientExit } from './client-exit.ts'
import type { OutgoingCall } from './client-options.ts'
import { outcomeOfStatus } from './outcome-of-status.ts'
import { refusedStatus } from './refused-status.ts'
import { Relay } from './relay.ts'

type Onward = (metadata: Metadata, listener: InterceptingListener | Listener) => void
type InnerCall = ReturnType<NextCall>

/** The status of a call that was refused on this side. grpc-js copies it into the error, with the refusal in it. */
type LocalStatus = StatusObject & { readonly rejection: Rejection }

/** The slice of the call this one is made for that says when that is over. */
interface Parent {
  readonly cancelled: boolean
  on(event: 'cancelled', listener: () => void): unknown
  removeListener(event: 'cancelled', listener: () => void): unknown
}

/** Who waits for the answer, and what passes a call on. */
interface Parties {
  readonly call: OutgoingCall
  readonly listener: InterceptingListener
  readonly onward: Onward
}

/**
 * One call on its way out. Nothing of it exists further in while it waits; when it is let in it is made and started in
 * one go. The permit ends with the status, which grpc-js reports exactly once for every call that was started.
 */
export class ClientVisit {
  readonly relay: Relay = new Relay()
  readonly #exit: ClientExit
  readonly #options: InterceptorOptions
  readonly #nextCall: NextCall
  #parties: Parties | undefined
  #asking = false
  #verdict: Verdict | undefined
  #waiting: { cancel(): void } | undefined
  #timer: Timer | undefined
  #permit: Permit | undefined
  /** Given up before it was started: no permit is of use any more. */
  #over = false
  #told = false
  readonly #parent: Parent | undefined
  readonly #parentLeft = (): void => this.#giveUp()

  constructor(exit: ClientExit, options: InterceptorOptions, nextCall: NextCall) {
    this.#exit = exit
    this.#options = options
    this.#parent = options.parent
    this.#nextCall = nextCall
  }

  readonly requester: Requester = {
    start: (metadata, listener, next) => this.#start(metadata, listener, next),
    cancel: (next) => {
      if (this.#parties === undefined || this.#waiting !== undefined) this.#giveUp()
      next()
    },
  }

  #start(metadata: Metadata, listener: InterceptingListener, onward: Onward): void {
    // Made and started in one go if it is let in at once; else only asked what it is for.
    const inner = this.#nextCall(this.#options)
    const call = this.#describe(inner.getPeer(), metadata)
    this.#parties = { call, listener, onward }
    if (this.#over) return this.#refuse(new Rejection('cancelled', this.#exit.gate.name, 1, 0), inner)
    const verdict = this.#ask(inner, call)
    if (verdict === undefined) {
      this.relay.use(inner)
      onward(metadata, listener)
    } else if (verdict === 'waits') this.#wait(inner)
    else if (verdict.admitted) this.#go(verdict, inner)
    else this.#refuse(verdict, inner)
  }

  /** @returns `undefined` where the call goes round the gate */
  #ask(inner: InnerCall, call: OutgoingCall): Verdict | 'waits' | undefined {
    try {
      const arrival = this.#exit.arrivalOf(call)
      if (arrival === undefined || isRejection(arrival)) return arrival
      this.#asking = true
      this.#waiting = this.#exit.gate.enter(arrival, (verdict) => this.#answer(verdict))
      return this.#verdict ?? 'waits'
    } catch (error) {
      // Surfaces where the call was made, like any mistake in making one.
      unmake(inner)
      throw error
    } finally {
      this.#asking = false
      this.#verdict = undefined
    }
  }

  #describe(target: string, metadata: Metadata): OutgoingCall {
    return {
      path: this.#options.method_definition.path,
      target,
      metadata,
      attempts: previousAttempts(metadata),
      timeLeft: this.#exit.timeLeft(this.#options),
    }
  }

  /** Ends the call that was made to be asked, and watches for what would have ended it. */
  #wait(inner: InnerCall): void {
    unmake(inner)
    const { timeLeft } = this.#parties!.call
    this.#parent?.on('cancelled', this.#parentLeft)
    // Not every queue looks at deadlines.
    if (timeLeft < Infinity) this.#timer = this.#exit.clock.after(timeLeft, () => this.#late())
    if (this.#parent?.cancelled === true) this.#giveUp()
  }

  #answer(verdict: Verdict): void {
    if (this.#asking) {
      this.#verdict = verdict
      return
    }
    this.#waiting = undefined
    this.#timer?.cancel()
    this.#parent?.removeListener('cancelled', this.#parentLeft)
    if (!verdict.admitted) return this.#refuse(verdict)
    if (this.#over) return verdict.release('ignored')
    try {
      this.#go(verdict, this.#nextCall(this.#options))
    } catch (error) {
      // The client was closed meanwhile. This runs because another call ended, which must not hear of it.
      verdict.release('ignored')
      const details = error instanceof Error ? error.message : String(error)
      this.#tell({ code: status.UNAVAILABLE, details, metadata: new Metadata() })
    }
  }

  #go(permit: Permit, inner: InnerCall): void {
    const { call, onward } = this.#parties!
    this.#permit = permit
    this.relay.use(inner)
    onward(call.metadata, {
      onReceiveStatus: (received, next) => {
        this.#end(outcomeOfStatus(received.code))
        this.#exit.heed(received, call)
        next(received)
      },
    })
  }

  /** Its caller left, or whoever that caller works for. */
  #giveUp(): void {
    this.#over = true
    this.#waiting?.cancel()
  }

  #late(): void {
    const { timeLeft } = this.#parties!.call
    const waiting = this.#waiting
    this.#over = true
    this.#waiting = undefined
    this.#refuse(new Rejection('deadline', this.#exit.gate.name, timeLeft, timeLeft))
    waiting?.cancel()
  }

  #refuse(rejection: Rejection, inner?: InnerCall): void {
    if (inner !== undefined) unmake(inner)
    if (this.#told) return
    if (rejection.code !== 'cancelled') this.#exit.refused(rejection, this.#parties!.call)
    const refused = refusedStatus(rejection, this.#exit.random)
    const local: LocalStatus = { ...refused, details: `not sent: ${refused.details}`, rejection }
    this.#tell(local)
  }

  /** Later, as an answer from the wire would come: whoever made the call has not yet begun to listen. */
  #tell(told: StatusObject): void {
    if (this.#told) return
    this.#told = true
    const { listener } = this.#parties!
    queueMicrotask(() => {
      listener.onReceiveMetadata(new Metadata())
      listener.onReceiveStatus(told)
    })
  }

  #end(outcome: Outcome): void {
    this.#permit?.release(outcome)
    this.#permit = undefined
  }
}

/** Stops the clock of a call that was made and will not be started. */
function unmake(inner: InnerCall): void {
  inner.cancelWithStatus(status.CANCELLED, 'not sent')
}
