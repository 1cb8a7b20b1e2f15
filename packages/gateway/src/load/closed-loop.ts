import { systemClock, systemRandom, type Clock, type Instant, type Millis, type Random, type Timer } from 'sluice'
import type { Exchange, Receiver, Reply, Transport } from './load.ts'
import { isRefusal, readRefusal } from './refusal.ts'

/** What became of one request, told once. A request whose client lost patience is told each time it does. */
export interface Fate {
  readonly kind: 'served' | 'rejected' | 'failed' | 'error' | 'timeout'
  /** When it was known, in ms since the start of the load. */
  readonly at: Millis
  /** Since the request was first sent, in ms: sending it again does not turn the clock back. */
  readonly latency: Millis
  /** What the answer says it waited at a gate (`x-queue-wait-time`), in ms. */
  readonly waited: Millis | undefined
  /** Why, for whatever was not served: the code of a rejection, `status 500`, an errno name. */
  readonly reason: string | undefined
  /** False for a rejection without `retry-after` or without a code in a JSON body. */
  readonly explained: boolean
}

export interface ClosedLoopOptions {
  readonly transport: Transport
  /** How many users there are at a time, in ms since the start. Looked at every 20 ms. */
  readonly users: (at: Millis) => number
  /** How long, in ms. What has no answer by then is dropped and told to nobody. Above 0. */
  readonly duration: Millis
  /** Least and longest time between a visit's last answer and the next visit, in ms; even in between. Default 0, 0. */
  readonly think?: readonly [least: Millis, longest: Millis]
  /** Requests a visit makes, all at once. A whole number from 1. Default 1. */
  readonly page?: number
  /** How long a user waits before every unanswered request of the visit is dropped and sent again, in ms. Default 2000. */
  readonly patience?: Millis
  readonly onFate: (fate: Fate) => void
  /** Stops the load. */
  readonly signal?: AbortSignal
  /** Default the system's. */
  readonly random?: Random
  /** Default the system's. */
  readonly clock?: Clock
}

/** How the load itself went. */
export interface ClosedLoopReport {
  /** True when it was stopped before its end. */
  readonly stopped: boolean
  /** Share of the looks at the number of users that came over 20 ms late: this machine's fault, not the target's. */
  readonly late: number
}

const LOOK: Millis = 20
const LATE: Millis = 20

/**
 * Users who visit, wait for all answers, think, and visit again. A slow target so gets less load: what real users do,
 * and why a closed loop cannot show what an open one can (see `openLoop`).
 * @throws RangeError for a page, a duration or a think time out of range
 */
export function closedLoop(options: ClosedLoopOptions): Promise<ClosedLoopReport> {
  const { page = 1, duration, think = [0, 0], patience = 2000 } = options
  if (!(Number.isInteger(page) && page >= 1)) throw new RangeError(`page must be a whole number from 1, not ${page}`)
  if (!(duration > 0 && duration < Infinity)) throw new RangeError(`duration must be above 0 ms, not ${duration}`)
  if (!(think[0] >= 0 && think[1] >= think[0]))
    throw new RangeError(`think must be two times in order, not ${think.join(' to ')}`)
  if (!(patience > 0)) throw new RangeError(`patience must be above 0 ms, not ${patience}`)
  return new Crowd(options, { page, think, patience }).finished
}

interface Manners {
  readonly page: number
  readonly think: readonly [Millis, Millis]
  readonly patience: Millis
}

class Crowd {
  readonly finished: Promise<ClosedLoopReport>
  readonly clock: Clock
  readonly random: Random
  readonly manners: Manners
  readonly transport: Transport
  readonly start: Instant
  readonly #options: ClosedLoopOptions
  readonly #users: User[] = []
  /** Who comes no more, and still waits for an answer. */
  readonly #leaving = new Set<User>()
  #looks = 0
  #lateLooks = 0
  #timer: Timer | undefined
  #over = false
  #finish: (report: ClosedLoopReport) => void = () => {}

  constructor(options: ClosedLoopOptions, manners: Manners) {
    this.#options = options
    this.manners = manners
    this.clock = options.clock ?? systemClock
    this.random = options.random ?? systemRandom
    this.transport = options.transport
    this.start = this.clock.now()
    this.finished = new Promise((resolve) => (this.#finish = resolve))
    options.signal?.addEventListener('abort', this.#stop, { once: true })
    if (options.signal?.aborted === true) this.#stop()
    else this.#look()
  }

  tell(fate: Fate): void {
    if (!this.#over) this.#options.onFate(fate)
  }

  /** The last visit of one who was leaving has ended. */
  left(user: User): void {
    this.#leaving.delete(user)
  }

  readonly #stop = (): void => this.#end(true)

  readonly #look = (): void => {
    const at = this.clock.now() - this.start
    if (at >= this.#options.duration) {
      this.#end(false)
      return
    }
    const wanted = Math.max(0, Math.round(this.#options.users(at)))
    while (this.#users.length > wanted) {
      const user = this.#users.pop()!
      if (user.dismiss()) this.#leaving.add(user)
    }
    while (this.#users.length < wanted) {
      const user = new User(this)
      this.#users.push(user)
      user.visit()
    }
    this.#looks++
    const due = this.clock.now() + LOOK
    this.#timer = this.clock.after(LOOK, () => {
      if (this.clock.now() - due > LATE) this.#lateLooks++
      this.#look()
    })
  }

  #end(stopped: boolean): void {
    if (this.#over) return
    this.#over = true
    this.#timer?.cancel()
    this.#options.signal?.removeEventListener('abort', this.#stop)
    for (const user of [...this.#users, ...this.#leaving]) user.vanish()
    this.#finish({ stopped, late: this.#looks === 0 ? 0 : this.#lateLooks / this.#looks })
  }
}

/** One person: a visit, its answers, a pause, the next visit. */
class User {
  readonly #crowd: Crowd
  #timer: Timer | undefined
  #calls: Call[] = []
  #staying = true

  constructor(crowd: Crowd) {
    this.#crowd = crowd
  }

  visit(): void {
    this.#calls = Array.from({ length: this.#crowd.manners.page }, () => new Call(this.#crowd, this))
    for (const call of this.#calls) call.send()
    this.#waitPatiently()
  }

  /** One of the visit's requests has its answer. */
  answered(): void {
    if (this.#calls.some(({ open }) => open)) return
    this.#timer?.cancel()
    if (!this.#staying) return this.#crowd.left(this)
    const [least, longest] = this.#crowd.manners.think
    this.#timer = this.#crowd.clock.after(least + (longest - least) * this.#crowd.random(), () => this.visit())
  }

  /** Comes no more: a visit under way is still finished, or given up when patience ends. True while there is one. */
  dismiss(): boolean {
    this.#staying = false
    const visiting = this.#calls.some(({ open }) => open)
    if (!visiting) this.#timer?.cancel()
    return visiting
  }

  /** Is gone at once, with whatever was asked. */
  vanish(): void {
    this.#staying = false
    this.#timer?.cancel()
    for (const call of this.#calls) call.drop()
  }

  #waitPatiently(): void {
    this.#timer = this.#crowd.clock.after(this.#crowd.manners.patience, () => {
      const open = this.#calls.filter((call) => call.open)
      for (const call of open) call.expire()
      if (!this.#staying) {
        for (const call of open) call.open = false
        return this.#crowd.left(this)
      }
      for (const call of open) call.send()
      this.#waitPatiently()
    })
  }
}

class Call implements Receiver {
  open = true
  readonly #crowd: Crowd
  readonly #user: User
  readonly #since: Instant
  #exchange: Exchange | undefined

  constructor(crowd: Crowd, user: User) {
    this.#crowd = crowd
    this.#user = user
    this.#since = crowd.clock.now()
  }

  send(): void {
    this.#exchange = this.#crowd.transport.send(this)
  }

  answered(reply: Reply): void {
    const { status } = reply
    if (status >= 200 && status < 300) {
      const waited = Number.parseFloat(reply.header('x-queue-wait-time') ?? '')
      this.#land('served', undefined, Number.isFinite(waited) ? waited * 1000 : undefined)
    } else if (isRefusal(status)) {
      const { reason, explained } = readRefusal(reply)
      this.#land('rejected', reason, undefined, explained)
    } else {
      this.#land('failed', `status ${status}`)
    }
  }

  failed(code: string): void {
    this.#land('error', code)
  }

  /** Patience has ended. */
  expire(): void {
    this.#exchange?.abort()
    this.#tell('timeout', 'timeout')
  }

  drop(): void {
    if (!this.open) return
    this.open = false
    this.#exchange?.abort()
  }

  #land(kind: Fate['kind'], reason?: string, waited?: Millis, explained = true): void {
    this.open = false
    this.#tell(kind, reason, waited, explained)
    this.#user.answered()
  }

  #tell(kind: Fate['kind'], reason?: string, waited?: Millis, explained = true): void {
    const now = this.#crowd.clock.now()
    const latency = now - this.#since
    this.#crowd.tell({ kind, at: now - this.#crowd.start, latency, waited, reason, explained })
  }
}
