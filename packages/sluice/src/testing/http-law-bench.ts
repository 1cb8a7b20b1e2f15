import { systemClock, type Arrival, type Millis, type Outcome } from '../ground/index.ts'
import { semaphore, type Gate } from '../gate/index.ts'
import { fifo } from '../queue/index.ts'
import type { HttpLawsParts, LawConnection, LawExchange, LawHandler, LawServer } from './http-law.ts'

/** What the gate of a law lets in at once … */
export const PERMITS: number = 50
/** … and how many may wait. */
export const PLACES: number = 100

/** One answer, as it came. */
export interface LawAnswer {
  readonly status: number
  /** In lower case, a line each. */
  readonly head: string
  readonly body: string
}

/** How the gate of a law differs from the others'. */
export interface LawGate {
  /** The longest anybody waits, in ms. Default: longer than any law. */
  readonly maxWait?: Millis
  /** What may be in flight and waiting together. */
  readonly threshold?: number
}

/** A client and the request it has sent. */
export interface LawClient {
  readonly name: string
  readonly connection: LawConnection
}

/** One server behind one gate, and everything that happened on it. */
export class Bench {
  readonly gate: Gate
  readonly outcomes: Record<Outcome, number> = { success: 0, failure: 0, dropped: 0, ignored: 0 }
  /** Exchanges in the hands of the handler, by target. */
  readonly served: Map<string, LawExchange> = new Map()
  /** How often the handler was called. */
  calls = 0
  /** Requests let in, by what the gate says. */
  admissions = 0
  /** What the handler does with each. Default: keeps it. */
  handle: LawHandler = () => undefined
  /** The most that were in progress at once: called, not ended, their client still there. */
  #most = 0
  readonly #active = new Set<string>()
  readonly #gone = new Set<string>()
  readonly #parts: HttpLawsParts
  readonly #patience: Millis
  #connections: LawConnection[] = []
  #server: LawServer | undefined
  #names = 0

  private constructor(parts: HttpLawsParts, patience: Millis, { maxWait = 600_000, threshold }: LawGate) {
    this.#parts = parts
    this.#patience = patience
    this.gate = semaphore({
      permits: PERMITS,
      queue: fifo({ capacity: PLACES, maxWait }),
      name: 'laws',
      ...(threshold !== undefined && { threshold }),
      observer: {
        admitted: () => void this.admissions++,
        released: (_arrival: Arrival, outcome: Outcome) => void this.outcomes[outcome]++,
      },
    })
  }

  static async open(parts: HttpLawsParts, patience: Millis, gate: LawGate): Promise<Bench> {
    const bench = new Bench(parts, patience, gate)
    bench.#server = await parts.start(bench.gate, (exchange) => bench.#called(exchange))
    return bench
  }

  #called(exchange: LawExchange): void {
    const { target } = exchange
    this.calls++
    // Health goes round the gate; and whose client has left is let in for nobody, until the server hears of it.
    if (!target.startsWith('/health') && !this.#isGone(target)) this.#active.add(target)
    this.#most = Math.max(this.#most, this.#active.size)
    const kept: LawExchange = {
      target,
      write: (part) => exchange.write(part),
      end: (part) => {
        this.#active.delete(target)
        this.served.delete(target)
        exchange.end(part)
      },
    }
    this.served.set(target, kept)
    this.handle(kept)
  }

  /** A name for one request: its path. */
  name(): string {
    return `/${this.#names++}`
  }

  async connect(): Promise<LawConnection> {
    const connection = await this.#parts.connect(this.#server!.port)
    this.#connections.push(connection)
    return connection
  }

  /** New connections with one request on each. */
  crowd(size: number, head: (name: string) => string = get): Promise<LawClient[]> {
    return Promise.all(
      Array.from({ length: size }, async () => {
        const name = this.name()
        const connection = await this.connect()
        connection.send(head(name))
        return { name, connection }
      }),
    )
  }

  /** As many as fit, all of them in their handler. */
  async full(): Promise<LawClient[]> {
    const clients = await this.crowd(PERMITS)
    await this.holds(PERMITS, 0)
    // A door may hold the work of those it let in back for a moment.
    await this.until('all of them in the handler', () => clients.every(({ name }) => this.served.has(name)))
    return clients
  }

  /** What these clients asked for is in nobody's interest any more. */
  gone(clients: readonly LawClient[]): void {
    for (const { name } of clients) this.#gone.add(name)
    for (const target of this.#active) {
      if (!this.#isGone(target)) continue
      this.#active.delete(target)
      this.served.delete(target)
    }
  }

  #isGone(target: string): boolean {
    // What one of them pipelined is called `/name/0`, `/name/1`, …
    return this.#gone.has(target) || this.#gone.has(target.slice(0, target.lastIndexOf('/')))
  }

  leave(clients: readonly LawClient[], how: 'leave' | 'reset' | 'finish' = 'leave'): void {
    this.gone(clients)
    for (const { connection } of clients) connection[how]()
  }

  /** Ends every exchange that is in the handler's hands. */
  answerAll(): void {
    for (const [target, exchange] of this.served) exchange.end(`ok ${target}`)
  }

  /** From now on the handler answers at once, and everybody it kept. */
  answerFromNowOn(): void {
    this.handle = (exchange) => exchange.end(`ok ${exchange.target}`)
    this.answerAll()
  }

  /** Waits until each of these has its own answer. */
  async answered(clients: readonly LawClient[]): Promise<void> {
    for (const { name, connection } of clients) {
      await this.until(
        `the answer to ${name}`,
        () => answers(connection).length > 0,
        () => connection.received(),
      )
      const { status, body } = answers(connection)[0]!
      expect(status === 200 && body.includes(`ok ${name}`), `200 and ok ${name}, not ${status} and ${body}`)
    }
  }

  async holds(inflight: number, queued: number): Promise<void> {
    const { gate } = this
    const right = (): boolean => gate.stats.inflight === inflight && gate.stats.queued === queued
    await this.until(`${inflight} in flight and ${queued} queued`, right, () => JSON.stringify(gate.stats))
  }

  /** How many permits have ended. */
  get endings(): number {
    const { success, failure, dropped, ignored } = this.outcomes
    return success + failure + dropped + ignored
  }

  /** How permits have ended, all of them. */
  ended(expected: Partial<Record<Outcome, number>>): void {
    const text = JSON.stringify({ success: 0, failure: 0, dropped: 0, ignored: 0, ...expected })
    const seen = JSON.stringify(this.outcomes)
    expect(seen === text, `the outcomes ${text}, not ${seen}`)
  }

  /** What holds after every law: nothing is left behind, and nobody was let in beside the others. */
  async settled(): Promise<void> {
    await this.holds(0, 0)
    const { endings, admissions } = this
    expect(endings === admissions, `${admissions} permits to have ended once each, not ${endings} endings`)
    expect(this.#most <= PERMITS, `at most ${PERMITS} in progress at once, not ${this.#most}`)
  }

  async until(what: string, condition: () => boolean, instead: () => string = () => 'nothing'): Promise<void> {
    const end = systemClock.now() + this.#patience
    while (!condition()) {
      expect(systemClock.now() < end, `${what} within ${this.#patience} ms, but there was ${instead()}`)
      await pause(1)
    }
  }

  /** Lets go of connections that are done, so that a thousand of them are not open at once. */
  forget(clients: readonly LawClient[]): void {
    const done = new Set(clients.map(({ connection }) => connection))
    for (const connection of done) connection.leave()
    this.#connections = this.#connections.filter((connection) => !done.has(connection))
  }

  async close(): Promise<void> {
    for (const connection of this.#connections) connection.leave()
    await this.#server?.close()
  }
}

/** A request without a body. */
export function get(name: string): string {
  return `GET ${name} HTTP/1.1\r\nhost: laws\r\n\r\n`
}

export async function pause(ms: Millis): Promise<void> {
  await new Promise<void>((resolve) => void systemClock.after(ms, resolve))
}

export function expect(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`expected ${what}`)
}

/** The answers that have come in whole; bodies of laws do not contain what an answer begins with. */
export function answers(connection: LawConnection): LawAnswer[] {
  const found: LawAnswer[] = []
  for (const text of connection.received().split(/(?=HTTP\/1\.1 \d{3} )/)) {
    const cut = text.indexOf('\r\n\r\n')
    if (cut === -1) break
    const head = text.slice(0, cut).toLowerCase()
    const body = text.slice(cut + 4)
    const status = Number(text.slice(9, 12))
    if (status >= 200 && isWhole(head, body, connection.closed)) found.push({ status, head, body })
  }
  return found
}

function isWhole(head: string, body: string, closed: boolean): boolean {
  if (head.includes('\r\ntransfer-encoding: chunked')) return body.endsWith('0\r\n\r\n')
  const length = /\r\ncontent-length: (\d+)/.exec(head)
  return length === null ? closed : body.length >= Number(length[1])
}
