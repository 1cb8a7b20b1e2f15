import type { Millis } from '../ground/index.ts'
import type { Gate } from '../gate/index.ts'

/** The two functions of a test runner: those of node:test, vitest, mocha. */
export interface HttpLawsRunner {
  describe(name: string, body: () => void): unknown
  it(name: string, body: () => Promise<void>): unknown
}

/** One request as the handler of a law sees it, whatever the framework. */
export interface LawExchange {
  /** Path and query as they came. */
  readonly target: string
  /** Sends a part of the body, and the headers before the first. */
  write(part: string): void
  end(part: string): void
}

/** The application of a law: it answers through the exchange, now or later, and may throw. */
export type LawHandler = (exchange: LawExchange) => void

/** A server on a loopback port whose every request passes the gate. */
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
  /** True once either side has ended it. */
  readonly closed: boolean
  /** Disconnects at once, as a client that crashes does. */
  leave(): void
  /** Disconnects with a reset (RST). */
  reset(): void
  /** Says that nothing more will be sent (FIN), and goes on reading. */
  finish(): void
}

/** What the suite cannot make by itself. */
export interface HttpLawsParts {
  /**
   * Starts a server with the door under test in front of `handle`. An error of `handle` that surfaces where the framework
   * lets it surface must not end the process.
   */
  start(gate: Gate, handle: LawHandler): Promise<LawServer>
  connect(port: number): Promise<LawConnection>
}

/** Options of `httpLaws`. */
export interface HttpLawsOptions {
  /** How many requests each law sends, at least 50. Default 1000, which takes some 10 s in all. */
  readonly requests?: number
  /** How long a law waits for what must come, in ms. Default 10,000. */
  readonly patience?: Millis
}
