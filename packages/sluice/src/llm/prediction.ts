/** Answers a prediction goes by. */
const REMEMBERED = 64

const ENOUGH = 8

/** What is predicted as long as nothing is known, in tokens: what is used beyond is owed. */
const UNKNOWN = 1024

/** The share of answers that are at most as long as predicted. */
const QUANTILE = 0.9

/** The last answers of one kind, in tokens. */
class Answers {
  readonly #last = new Float64Array(REMEMBERED)
  #count = 0
  #sorted: number | undefined

  get count(): number {
    return this.#count
  }

  add(tokens: number): void {
    this.#last[this.#count++ % REMEMBERED] = tokens
    this.#sorted = undefined
  }

  get high(): number {
    if (this.#sorted !== undefined) return this.#sorted
    const known = this.#last.slice(0, Math.min(this.#count, REMEMBERED)).sort()
    return (this.#sorted = known[Math.min(known.length - 1, Math.ceil(QUANTILE * known.length) - 1)] ?? 0)
  }
}

/**
 * How much a model will answer: nine of ten answers are no longer. Learned for each kind of work of each tenant, then for
 * each kind of work, then for the model. The 64 last answers of each; of kinds nobody asks for any more the oldest go.
 */
export class OutputPrediction {
  readonly #kinds = new Map<string, Answers>()
  readonly #most: number
  readonly #enough: number

  /**
   * @param most how many kinds are remembered
   * @param enough answers before a prediction of one's own is worth more than that of more general ones
   */
  constructor(most = 4096, enough: number = ENOUGH) {
    this.#most = most
    this.#enough = enough
  }

  /** @param maxOutput the most it may answer */
  predict(tenant: string, route: string, maxOutput: number): number {
    for (const kind of kindsOf(tenant, route)) {
      const answers = this.#kinds.get(kind)
      if (answers !== undefined && answers.count >= this.#enough) return Math.min(maxOutput, answers.high)
    }
    return Math.min(maxOutput, UNKNOWN)
  }

  learn(tenant: string, route: string, output: number): void {
    for (const kind of kindsOf(tenant, route)) {
      const answers = this.#kinds.get(kind) ?? new Answers()
      // To the end of the line: who is asked for stays.
      this.#kinds.delete(kind)
      this.#kinds.set(kind, answers)
      answers.add(output)
      if (this.#kinds.size > this.#most) {
        const [oldest] = this.#kinds.keys()
        this.#kinds.delete(oldest!)
      }
    }
  }
}

function kindsOf(tenant: string, route: string): readonly string[] {
  return [`t${tenant}\n${route}`, `r${route}`, 'm']
}
