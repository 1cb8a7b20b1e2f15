import type { Metadata } from '@grpc/grpc-js'

/** The trailer a load report comes in. */
export const LOAD_REPORT = 'endpoint-load-metrics-bin'

/**
 * What a server says about its load (ORCA, `xds.data.orca.v3.OrcaLoadReport`). A value of 0 is not sent, so what is
 * missing is 0 or unknown: nobody can tell.
 */
export interface LoadReport {
  /** A share; above 1 where the server says it is over its soft limit. */
  readonly cpuUtilization?: number
  /** A share, from 0 to 1. */
  readonly memUtilization?: number
  /** A share; above 1 over the limit. `serverInterceptor` sends what is in flight, as a share of the limit. */
  readonly applicationUtilization?: number
  /** Requests per second. */
  readonly rps?: number
  /** Errors per second. */
  readonly eps?: number
  /** What the request took, in whatever the server measures. */
  readonly requestCost: Readonly<Record<string, number>>
  /** Shares of further resources. */
  readonly utilization: Readonly<Record<string, number>>
  readonly namedMetrics: Readonly<Record<string, number>>
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

const NUMBERS = new Map<number, 'cpuUtilization' | 'memUtilization' | 'applicationUtilization' | 'rps' | 'eps'>([
  [1, 'cpuUtilization'],
  [2, 'memUtilization'],
  [6, 'rps'],
  [7, 'eps'],
  [9, 'applicationUtilization'],
])

const MAPS = new Map<number, 'requestCost' | 'utilization' | 'namedMetrics'>([
  [4, 'requestCost'],
  [5, 'utilization'],
  [8, 'namedMetrics'],
])

/**
 * The load report in the trailers of an answer: of `error.metadata`, or of the `status` event of a call. `undefined`
 * where there is none, more than one, or one that cannot be read or says impossible things (ORCA takes none of it then).
 */
export function loadReportOf(trailers: Metadata): LoadReport | undefined {
  const reports = trailers.get(LOAD_REPORT)
  const [bytes] = reports
  if (reports.length !== 1 || bytes === undefined || typeof bytes === 'string') return undefined
  return decode(bytes)
}

function decode(bytes: Uint8Array): LoadReport | undefined {
  // Names come from outside: without a prototype none of them means anything.
  const report: Writable<LoadReport> = {
    requestCost: Object.create(null) as Record<string, number>,
    utilization: Object.create(null) as Record<string, number>,
    namedMetrics: Object.create(null) as Record<string, number>,
  }
  const wire = new Wire(bytes)
  while (wire.left > 0) {
    const key = wire.varint()
    const name = key % 8 === DOUBLE ? NUMBERS.get(key >>> 3) : undefined
    const map = key % 8 === BYTES ? MAPS.get(key >>> 3) : undefined
    if (name !== undefined) {
      const value = wire.double()
      if (!(value >= 0 && value < Infinity)) return undefined
      report[name] = value
    } else if (map !== undefined) {
      const [entry, value] = entryOf(wire.bytes())
      if (!Number.isFinite(value)) return undefined
      ;(report[map] as Record<string, number>)[entry] = value
    } else wire.skip(key % 8)
  }
  return wire.broken ? undefined : report
}

function entryOf(bytes: Uint8Array): readonly [name: string, value: number] {
  const wire = new Wire(bytes)
  let name = ''
  let value = 0
  while (wire.left > 0) {
    const key = wire.varint()
    if (key === 8 + BYTES) name = new TextDecoder().decode(wire.bytes())
    else if (key === 16 + DOUBLE) value = wire.double()
    else wire.skip(key % 8)
  }
  return [name, wire.broken ? Number.NaN : value]
}

const VARINT = 0
const DOUBLE = 1
const BYTES = 2
const FLOAT = 5

/** Protocol buffers as they lie on the wire. What is cut short reads as nothing, and `broken` says so. */
class Wire {
  broken = false
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get left(): number {
    return this.broken ? 0 : this.#bytes.length - this.#at
  }

  /** Exact up to 2^53; what is longer is skipped over, not used. */
  varint(): number {
    let value = 0
    for (let scale = 1; scale <= 2 ** 63; scale *= 128) {
      const octet = this.#take(1) === undefined ? undefined : this.#bytes[this.#at - 1]
      if (octet === undefined) return 0
      value += (octet & 127) * scale
      if (octet < 128) return value
    }
    this.broken = true
    return 0
  }

  double(): number {
    const from = this.#take(8)
    return from === undefined ? 0 : this.#view.getFloat64(from, true)
  }

  bytes(): Uint8Array {
    const size = this.varint()
    const from = this.#take(size)
    return from === undefined ? new Uint8Array() : this.#bytes.subarray(from, from + size)
  }

  skip(kind: number): void {
    if (kind === VARINT) this.varint()
    else if (kind === DOUBLE) this.#take(8)
    else if (kind === BYTES) this.bytes()
    else if (kind === FLOAT) this.#take(4)
    else this.broken = true
  }

  /** Where the next `size` bytes begin, now behind us. */
  #take(size: number): number | undefined {
    const from = this.#at
    if (from + size > this.#bytes.length) {
      this.broken = true
      return undefined
    }
    this.#at = from + size
    return from
  }
}
