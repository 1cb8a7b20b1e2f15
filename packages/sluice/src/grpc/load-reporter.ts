import type { ServerInterceptingCallInterface } from '@grpc/grpc-js'
import type { Clock, Instant, Millis } from '../ground/index.ts'
import type { Gate } from '../gate/index.ts'

/** For how long a call counts in the rate, in ms; it fades out over that. */
const MEMORY: Millis = 5000

/**
 * Fills in the load report of each answer (ORCA): `application_utilization` is what is in flight as a share of the limit,
 * `rps_fractional` the calls let in per second, over some five seconds.
 */
export class LoadReporter {
  readonly #gate: Gate
  readonly #clock: Clock
  #count = 0
  #at: Instant

  constructor(gate: Gate, clock: Clock) {
    this.#gate = gate
    this.#clock = clock
    this.#at = clock.now()
  }

  /** Notes a call that was let in. */
  admitted(): void {
    this.#count = this.#faded() + 1
  }

  /** Calls let in per second. */
  get rate(): number {
    this.#count = this.#faded()
    return (this.#count * 1000) / MEMORY
  }

  report(call: ServerInterceptingCallInterface): void {
    // Older versions of grpc-js within the range of the peer dependency have no recorder.
    const recorder = (call as Partial<ServerInterceptingCallInterface>).getMetricsRecorder?.()
    if (recorder === undefined) return
    const { inflight, limit } = this.#gate.stats
    if (Number.isFinite(limit) && limit > 0) recorder.recordApplicationUtilizationMetric(inflight / limit)
    recorder.recordQpsMetric(this.rate)
  }

  #faded(): number {
    const now = this.#clock.now()
    const faded = this.#count * Math.exp(-Math.max(0, now - this.#at) / MEMORY)
    this.#at = now
    return faded
  }
}
