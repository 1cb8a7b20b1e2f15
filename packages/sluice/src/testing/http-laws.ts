import { REFUSALS, systemClock, type Arrival, type Outcome } from '../ground/index.ts'
import { semaphore, type Gate } from '../gate/index.ts'
import { fifo } from '../queue/index.ts'

/** The two functions of a test runner: those of node:test, vitest, mocha. */
export interface HttpLawsRunner {
  describe(name: string, body: () => void): unknown
  it(name: string, body: () => Promise<void>): unknown
}

/** One request as the handler of a law sees it, whatever the framework. */
export interface LawExchange {
  /** Sends a part of the body, and the headers before the first. */
  write(part: string): void
  end(part: string): void
}

/** A server on a loopback port whose every request passes `gate`. */
export interface LawServer {
  readonly port: number
  /** Ends when the server and its connections are gone. */
  readonly close: () => Promise<void>
}

/** A plain TCP connection to the server. */
export interface LawConnection {
  send(text: string): void
  /** Everything received so far. */
  received(): string
  /** Disconnects at once, as a client that crashes does. */
  leave(): void
}

/** What the suite cannot make by itself. */
export interface HttpLawsParts {
  /**
   * Starts a server with the adapter under test. `handle` is the application: it answers through the exchange, now or
   * later, and may throw. An error that surfaces where the framework lets it surface must not end the process.
   */
  start(gate: Gate, handle: (exchange: LawExchange) => void): Promise<LawServer>
  connect(port: number): Promise<LawConnection>
}

/** How long a law waits for what must come, in ms. */
const PATIENCE = 5000
const GET = 'GET / HTTP/1.1\r\nhost: laws\r\n\r\n'

/** The laws every HTTP adapter is held to, over real connections. After each the gate holds nothing. */
export function httpLaws(name: string, runner: HttpLawsRunner, parts: HttpLawsParts): void {
  const law = (
    title: string,
    prove: (bench: Bench) => Promise<void>,
    handle?: (exchange: LawExchange) => void,
  ): void => {
    runner.it(title, async () => {
      const bench = await Bench.open(parts, handle)
      try {
        await prove(bench)
        await bench.holds(0, 0)
      } finally {
        await bench.close()
      }
    })
  }

  runner.describe(`HTTP laws: ${name}`, () => {
    law('served: the permit ends as success with the response', async (bench) => {
      const client = await bench.ask()
      await bench.holds(1, 0)
      bench.served[0]!.end('ok')
      await bench.until('the answer', () => /^HTTP\/1\.1 200 [^]*\r\n\r\n[^]*ok/.test(client.received()))
      await bench.holds(0, 0)
      bench.outcomesAre('success')
    })

    law('queued, then served', async (bench) => {
      await bench.ask()
      await bench.holds(1, 0)
      const second = await bench.ask()
      await bench.holds(1, 1)
      bench.served[0]!.end('first')
      await bench.until('the second request in its handler', () => bench.served.length === 2)
      bench.served[1]!.end('second')
      await bench.until('the second answer', () => second.received().includes('second'))
      await bench.holds(0, 0)
      bench.outcomesAre('success', 'success')
    })

    law('refused: status, headers, body, and the handler never hears of it', async (bench) => {
      await bench.ask()
      await bench.holds(1, 0)
      await bench.ask()
      await bench.holds(1, 1)
      const third = await bench.ask()
      await bench.until('the refusal', () => third.received().endsWith('}}'))
      const [head, body] = third.received().split('\r\n\r\n')
      const lines = (head ?? '').toLowerCase().split('\r\n')
      expect(lines[0]?.startsWith('http/1.1 503') === true, `a 503, not ${lines[0]}`)
      for (const line of ['content-type: application/json', 'retry-after: 1', 'retry-after-ms: 1000'])
        expect(lines.includes(line), `the header ${line} in ${head}`)
      expect(lines.includes('sluice-rejection: queue_full;gate="laws";load=2;limit=1'), `who, why and what in ${head}`)
      const message = `laws refused: ${REFUSALS.queue_full.means}`
      const envelope = { success: false, error: { code: 'QUEUE_FULL', message, retry_after: 1 } }
      expect(body === JSON.stringify(envelope), `the body ${JSON.stringify(envelope)}, not ${body}`)
      bench.served[0]!.end('first')
      await bench.until('the second request in its handler', () => bench.served.length === 2)
      bench.served[1]!.end('second')
    })

    law('the client leaves while queued: it waits no longer and is never served', async (bench) => {
      await bench.ask()
      await bench.holds(1, 0)
      const second = await bench.ask()
      await bench.holds(1, 1)
      second.leave()
      await bench.holds(1, 0)
      bench.served[0]!.end('first')
      await bench.holds(0, 0)
      expect(bench.served.length === 1, 'the handler called once')
      bench.outcomesAre('success')
    })

    law('the client leaves while served: the permit ends as ignored', async (bench) => {
      const client = await bench.ask()
      await bench.holds(1, 0)
      client.leave()
      await bench.holds(0, 0)
      bench.outcomesAre('ignored')
    })

    law(
      'the handler throws: the permit ends as failure',
      async (bench) => {
        await bench.ask()
        await bench.until('the end of the permit', () => bench.outcomes.length === 1)
        bench.outcomesAre('failure')
      },
      () => {
        throw new Error('the handler of a law throws')
      },
    )

    law('the body streams on: the permit is held until it ended, not until the headers are out', async (bench) => {
      const client = await bench.ask()
      await bench.holds(1, 0)
      bench.served[0]!.write('part one')
      await bench.until('the first part', () => client.received().includes('part one'))
      await bench.holds(1, 0)
      bench.served[0]!.end('part two')
      await bench.until('the last part', () => client.received().includes('part two'))
      await bench.holds(0, 0)
      bench.outcomesAre('success')
    })

    law('the client leaves in the middle of the body', async (bench) => {
      const client = await bench.ask()
      await bench.holds(1, 0)
      bench.served[0]!.write('part one')
      await bench.until('the first part', () => client.received().includes('part one'))
      client.leave()
      await bench.holds(0, 0)
      bench.outcomesAre('ignored')
    })

    law('the client leaves after the end: nothing is given back twice', async (bench) => {
      const first = await bench.ask()
      await bench.holds(1, 0)
      bench.served[0]!.end('first')
      await bench.until('the first answer', () => first.received().includes('first'))
      await bench.holds(0, 0)
      await bench.ask()
      await bench.holds(1, 0)
      first.leave()
      // Only a request that came after the departure shows that the departure has been dealt with.
      await bench.ask()
      await bench.holds(1, 1)
      bench.served[1]!.end('second')
      await bench.until('the third request in its handler', () => bench.served.length === 3)
      bench.served[2]!.end('third')
      await bench.holds(0, 0)
      bench.outcomesAre('success', 'success', 'success')
    })

    law('pipelined requests, then a disconnect: every one of them ends', async (bench) => {
      const client = await bench.connect()
      client.send(GET + GET)
      await bench.holds(1, 1)
      client.leave()
      await bench.holds(0, 0)
      expect(bench.served.length === 1, 'the handler called once')
      expect(new Set(bench.outcomes).size === 1, 'the same outcome for all')
      expect(bench.outcomes[0] === 'ignored', `the outcome ignored, not ${bench.outcomes[0]}`)
    })

    law('a closed gate: the client is told to go elsewhere', async (bench) => {
      bench.gate.close()
      const client = await bench.ask()
      await bench.until('the refusal', () => client.received().endsWith('}}'))
      const text = client.received().toLowerCase()
      expect(text.startsWith('http/1.1 503') && text.includes('shutting_down'), `a refusal, not ${text}`)
      expect(text.includes('\r\nconnection: close\r\n'), `connection: close in ${text}`)
    })
  })
}

/** One server with one permit and one place in its queue, and everything that happened on it. */
class Bench {
  readonly served: LawExchange[] = []
  readonly outcomes: Outcome[] = []
  readonly gate: Gate
  readonly #parts: HttpLawsParts
  readonly #connections: LawConnection[] = []
  #server: LawServer | undefined

  private constructor(parts: HttpLawsParts) {
    this.#parts = parts
    this.gate = semaphore({
      permits: 1,
      queue: fifo({ capacity: 1, maxWait: 2 * PATIENCE }),
      name: 'laws',
      observer: { released: (_arrival: Arrival, outcome: Outcome) => void this.outcomes.push(outcome) },
    })
  }

  static async open(parts: HttpLawsParts, handle?: (exchange: LawExchange) => void): Promise<Bench> {
    const bench = new Bench(parts)
    bench.#server = await parts.start(bench.gate, handle ?? ((exchange) => void bench.served.push(exchange)))
    return bench
  }

  async connect(): Promise<LawConnection> {
    const connection = await this.#parts.connect(this.#server!.port)
    this.#connections.push(connection)
    return connection
  }

  /** A new connection with one request on it. */
  async ask(): Promise<LawConnection> {
    const connection = await this.connect()
    connection.send(GET)
    return connection
  }

  async holds(inflight: number, queued: number): Promise<void> {
    const { gate } = this
    const right = (): boolean => gate.stats.inflight === inflight && gate.stats.queued === queued
    await this.until(`${inflight} in flight and ${queued} queued`, right, () => JSON.stringify(gate.stats))
  }

  outcomesAre(...expected: readonly Outcome[]): void {
    expect(this.outcomes.join() === expected.join(), `the outcomes ${expected.join()}, not ${this.outcomes.join()}`)
  }

  async until(what: string, condition: () => boolean, instead: () => string = () => 'nothing'): Promise<void> {
    const end = systemClock.now() + PATIENCE
    while (!condition()) {
      expect(systemClock.now() < end, `${what} within ${PATIENCE} ms, but there was ${instead()}`)
      await new Promise<void>((resolve) => void systemClock.after(2, resolve))
    }
  }

  async close(): Promise<void> {
    for (const connection of this.#connections) connection.leave()
    await this.#server?.close()
  }
}

function expect(condition: boolean, what: string): void {
  if (!condition) throw new Error(`expected ${what}`)
}
