import type { CacheConfig } from '../config/index.ts'

/** Reads a header by its name in lower case, several joined with `, `. */
export type HeaderOf = (name: string) => string | undefined

/** An answer that is kept. */
export interface KeptAnswer {
  readonly status: number
  /** Names and values in turn. */
  readonly headers: readonly string[]
  readonly body: Uint8Array
  /** Seconds since 1970 at which it came, by `performance`-free wall time, and until when it is fresh and good enough. In ms. */
  readonly at: number
  readonly age: number
  readonly freshUntil: number
  readonly goodUntil: number
  /** True where it may answer those who show who they are. */
  readonly forAll: boolean
  readonly etag: string | undefined
  /** The headers of the request it depends on, and what they were. */
  readonly vary: readonly (readonly [name: string, value: string | undefined])[]
}

/** A variant more of the same target is not kept. */
const MOST_VARIANTS = 8
/** What an entry takes besides its text, in bytes. */
const OVERHEAD = 512

interface Shelf {
  answers: readonly KeptAnswer[]
  bytes: number
}

/** Answers by target, bounded in bytes; whoever was not asked for longest goes first. */
export class ResponseCache {
  readonly config: CacheConfig
  hits = 0
  misses = 0
  bytes = 0
  /** Of answers that are still coming in. */
  #coming = 0
  /** In the order of their last use. */
  readonly #shelves = new Map<string, Shelf>()

  constructor(config: CacheConfig) {
    this.config = config
  }

  get entries(): number {
    return this.#shelves.size
  }

  /** True while there is room to collect so many bytes more. */
  reserve(bytes: number): boolean {
    if (this.#coming + bytes > this.config.maxBytes) return false
    this.#coming += bytes
    return true
  }

  release(bytes: number): void {
    this.#coming -= bytes
  }

  keep(key: string, answer: KeptAnswer): void {
    const before = this.#take(key)
    const others = (before?.answers ?? []).filter((each) => each.goodUntil > answer.at && !sameVariant(each, answer))
    const answers = [answer, ...others].slice(0, MOST_VARIANTS)
    const bytes = sizeOf(key, answers)
    if (bytes > this.config.maxBytes) return
    this.#shelves.set(key, { answers, bytes })
    this.bytes += bytes
    for (const oldest of this.#shelves.keys()) {
      if (this.bytes <= this.config.maxBytes) return
      this.#take(oldest)
    }
  }

  /** The answer for such a request, if there is one that is good enough. @param shows true where it says who it is */
  find(key: string, header: HeaderOf, shows: boolean, now: number): KeptAnswer | undefined {
    const shelf = this.#take(key)
    const answer = shelf?.answers.find(
      (each) =>
        each.goodUntil > now && (each.forAll || !shows) && each.vary.every(([name, value]) => header(name) === value),
    )
    if (shelf !== undefined) {
      this.#shelves.set(key, shelf)
      this.bytes += shelf.bytes
    }
    if (answer === undefined) this.misses++
    else this.hits++
    return answer
  }

  /** Something was changed there (RFC 9111 §4.4). */
  forget(key: string): void {
    this.#take(key)
  }

  #take(key: string): Shelf | undefined {
    const shelf = this.#shelves.get(key)
    if (shelf === undefined) return undefined
    this.#shelves.delete(key)
    this.bytes -= shelf.bytes
    return shelf
  }
}

function sameVariant(a: KeptAnswer, b: KeptAnswer): boolean {
  return (
    a.forAll === b.forAll &&
    a.vary.length === b.vary.length &&
    a.vary.every(([name, value], at) => b.vary[at]![0] === name && b.vary[at]![1] === value)
  )
}

function sizeOf(key: string, answers: readonly KeptAnswer[]): number {
  let bytes = 2 * key.length
  for (const { headers, body, vary } of answers) {
    bytes += OVERHEAD + body.length
    for (const part of headers) bytes += 2 * part.length
    for (const [name, value] of vary) bytes += 2 * (name.length + (value?.length ?? 0))
  }
  return bytes
}
