import { fifo, semaphore, type Clock, type Gate, type Millis, type Random } from 'sluice'
import { SlowService } from '../../src/demo/slow-service.ts'
import type { Exchange, Receiver, Reply, Transport } from '../../src/load/index.ts'

export interface VirtualPlaceOptions {
  readonly clock: Clock
  readonly random: Random
  readonly slots: number
  readonly service: Millis
  /** Default: none, everybody is let in. */
  readonly gate?: {
    readonly permits: number
    readonly capacity: number
    readonly maxWait: Millis
    readonly threshold: number
  }
}

const WAY: Millis = 0.5

/** The built-in service and its gate, without sockets and processes: the same parts in virtual time. */
export class VirtualPlace implements Transport {
  admissions = 0
  waitTotal: Millis = 0
  readonly #clock: Clock
  readonly #service: SlowService
  readonly #gate: Gate | undefined

  constructor({ clock, random, slots, service, gate }: VirtualPlaceOptions) {
    this.#clock = clock
    this.#service = new SlowService({ slots, service, clock, random })
    if (gate === undefined) return
    const { permits, capacity, maxWait, threshold } = gate
    this.#gate = semaphore({ permits, threshold, clock, random, queue: fifo({ capacity, maxWait }) })
  }

  get held(): { inflight: number; queued: number; backlog: number; admissions: number; waitTotal: Millis } {
    const { inflight = 0, queued = 0 } = this.#gate?.stats ?? {}
    const { admissions, waitTotal } = this
    return { inflight, queued, backlog: this.#service.queued, admissions, waitTotal }
  }

  send(receiver: Receiver): Exchange {
    const visit = new Visit(receiver)
    // However fast a refusal is, the way there takes time: else nothing but refusals could ever happen.
    this.#clock.after(WAY, () => this.#enter(visit))
    return visit
  }

  close(): void {}

  #enter(visit: Visit): void {
    if (visit.departed) return
    if (this.#gate === undefined) {
      this.#service.take({ departed: false, done: () => visit.answer(reply(200)) })
      return
    }
    const since = this.#clock.now()
    visit.waiting = this.#gate.enter({}, (answer) => {
      visit.waiting = undefined
      if (!answer.admitted) {
        visit.answer(reply(503))
        return
      }
      const waited = this.#clock.now() - since
      this.admissions++
      this.waitTotal += waited
      const done = (): void => {
        answer.release('success')
        visit.answer(reply(200, waited > 100 ? { 'x-queue-wait-time': (waited / 1000).toFixed(3) } : {}))
      }
      this.#service.take({ departed: false, done })
    })
  }
}

class Visit implements Exchange {
  departed = false
  waiting: { cancel(): void } | undefined
  readonly #receiver: Receiver

  constructor(receiver: Receiver) {
    this.#receiver = receiver
  }

  answer(answer: Reply): void {
    if (!this.departed) this.#receiver.answered(answer)
  }

  abort(): void {
    this.departed = true
    this.waiting?.cancel()
  }
}

function reply(status: number, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, body: '', header: (name) => headers[name] }
}
