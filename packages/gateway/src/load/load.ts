import type { Millis } from 'sluice'

/** A stretch of load at one rate. */
export interface Phase {
  /** For people and reports. */
  readonly name: string
  /** Arrivals a second, of any kind of answer. At least 0. */
  readonly rate: number
  /** How long, in ms. Above 0. */
  readonly duration: Millis
}

/** What came back. Valid only until `answered` returns: a transport may use it again. */
export interface Reply {
  readonly status: number
  /** The body of an answer of 400 and above, up to 4 KiB, read as latin-1; else empty. */
  readonly body: string
  /** A header by its lower-case name. */
  header(name: string): string | undefined
}

/** Told what became of one request. Exactly one of the two is called, once, and neither after an abort. */
export interface Receiver {
  answered(reply: Reply): void
  /** No answer came, and why: an errno name such as `ECONNREFUSED`. */
  failed(code: string): void
}

/** A request under way. */
export interface Exchange {
  /** Leaves, as a client does whose patience is over: the connection is gone. Not for a request already answered. */
  abort(): void
}

/** Carries requests. The engine knows nothing else of the network. */
export interface Transport {
  /** Starts a request. The receiver is called later, never before this returns. */
  send(receiver: Receiver): Exchange
  /** Drops every connection; nothing is told to anybody any more. */
  close(): void
}

/** What happened to the requests that were due in some stretch of time. */
export interface Counts {
  /** Requests that came due. A generator that is behind by a whole timeout does not send what it owes: timeouts, too. */
  offered: number
  /** Of these, sent more than 20 ms after they were due: the generator's fault, not the target's. */
  late: number
  /** Answered 2xx within the goodput bound, counted from the due time. */
  good: number
  /** Answered 2xx after it. */
  slow: number
  /** Answered 503 or 429. */
  rejected: number
  /** Of these, without `retry-after` in whole seconds, or without a JSON body that names a code. */
  unexplained: number
  /** Answered with anything else. */
  failed: number
  /** Aborted by us: not answered within the timeout, counted from the due time. */
  timeouts: number
  /** The connection broke, or could not be had. */
  errors: number
}

/** Milliseconds, counted from the due time. All 0 when there was nothing to count. */
export interface Latency {
  readonly count: number
  readonly mean: Millis
  readonly p50: Millis
  readonly p90: Millis
  readonly p99: Millis
  readonly max: Millis
}

/** A phase, told by the requests that were due in it. */
export interface PhaseReport extends Readonly<Counts> {
  readonly name: string
  readonly rate: number
  /** How long it was planned to last, in ms. */
  readonly duration: Millis
  /** False when more than 2 % were sent late: what was offered is not what was asked for. */
  readonly punctual: boolean
  /** How often each status was answered. */
  readonly statuses: Readonly<Record<string, number>>
  /** Rejections by the code in their body. */
  readonly reasons: Readonly<Record<string, number>>
  /** Errors by errno name. */
  readonly causes: Readonly<Record<string, number>>
  /** Answers 2xx, and timeouts, which count with the time they were given: without them overload looks fast. */
  readonly admitted: Latency
  /** Rejections. */
  readonly refused: Latency
  /** One entry for each second since the phase began; the last may cover less than a second. */
  readonly seconds: readonly Readonly<Counts>[]
}

/** What happened in the second just past, by the clock: answers count when they come, whenever they were due. */
export interface LiveSecond extends Readonly<Counts> {
  /** Seconds since the load began. */
  readonly at: number
  readonly phase: Phase
  /** 99th percentile of answers 2xx and timeouts, in ms. */
  readonly p99: Millis
}

export interface LoadReport {
  readonly phases: readonly PhaseReport[]
  /** True when the run was stopped before its end. */
  readonly stopped: boolean
}
