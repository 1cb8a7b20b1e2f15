import { Readable } from 'node:stream'
import { readAsked, type Dialect, type TokenEstimator, type TokenMeasure } from 'sluice/llm'
import type { CallSize } from './line.ts'

const EMBEDDINGS = /\/embeddings\/?(?:$|\?)/
const NOTHING = Buffer.alloc(0)

/** The body of a call: sent as it came, as often as need be, and read once for how much it asks for. */
export class CallBody {
  readonly size: CallSize
  #bytes: Buffer
  readonly #measure: TokenMeasure

  /** @param target of the request, for what has no output but vectors */
  constructor(bytes: Buffer, dialect: Dialect, target: string, estimator: TokenEstimator) {
    this.#bytes = bytes
    const { model = '', maxOutput, measure, stream } = readAsked(dialect, parsed(bytes))
    this.#measure = measure
    this.size = {
      model,
      input: estimator.tokens(measure, model),
      maxOutput: EMBEDDINGS.test(target) ? 0 : maxOutput,
      stream,
    }
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

/** What cannot be read is as if nothing were asked: to refuse it is the upstream's. */
function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    return undefined
  }
}
