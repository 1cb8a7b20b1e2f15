import { Readable } from 'node:stream'
import { readAsked, type Dialect, type TokenEstimator, type TokenMeasure } from 'sluice/llm'
import type { CallSize } from './line.ts'

const NOTHING = Buffer.alloc(0)
const ASK = Buffer.from('"stream_options":{"include_usage":true},')

/** The body of a call: sent as it came, as often as need be, and read once for how much it asks for. */
export class CallBody {
  readonly size: CallSize
  /** True where it asks for the usage of its stream, and its client did not. */
  readonly asksForUsage: boolean
  #bytes: Buffer
  readonly #measure: TokenMeasure

  /**
   * @param injects whether a stream that does not say its usage is asked for it
   */
  constructor(bytes: Buffer, dialect: Dialect, estimator: TokenEstimator, injects: boolean) {
    const body = parsed(bytes)
    const { model = '', maxOutput, measure, stream, usageInStream } = readAsked(dialect, body)
    // Whoever has options of its own for the stream knows what it wants.
    this.asksForUsage = injects && stream && !usageInStream && !Object.hasOwn(body as object, 'stream_options')
    this.#bytes = this.asksForUsage ? withUsage(bytes) : bytes
    this.#measure = measure
    this.size = {
      model,
      input: estimator.tokens(measure, model),
      maxOutput,
      stream,
    }
  }

  /** In bytes. */
  get length(): number {
    return this.#bytes.length
  }

  /** The provider has counted the prompt. */
  learn(estimator: TokenEstimator, input: number): void {
    estimator.learn(this.#measure, input, this.size.model)
  }

  /** It will not be sent again. */
  sent(): void {
    this.#bytes = NOTHING
  }

  stream(): Readable | undefined {
    const bytes = this.#bytes
    if (bytes.length === 0) return undefined
    return new Readable({
      read() {
        this.push(bytes)
        this.push(null)
      },
    })
  }
}

/** Everything else stays as it came: written anew, large numbers might be others. */
function withUsage(bytes: Buffer): Buffer {
  const begin = bytes.indexOf(123) + 1
  return Buffer.concat([bytes.subarray(0, begin), ASK, bytes.subarray(begin)])
}

/** What cannot be read is as if nothing were asked: to refuse it is the upstream's. */
function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    return undefined
  }
}
