import {
  adaptive,
  fifo,
  isRejection,
  limiter,
  type Clock,
  type Gate,
  type Instant,
  type Millis,
  type Outcome,
  type Permit,
  type Timer,
} from 'sluice'
import type { LlmInflightConfig } from '../config/index.ts'
import type { Upstream } from '../proxy/index.ts'

/** What a model server is behind: a {@link Upstream} that says whether it is well. */
export interface ServerMember {
  /** Scheme, host and port, for people; none where there is but one. */
  readonly name?: string | undefined
  readonly upstream: Upstream
  readonly weight: number
  /** False while it is ill. */
  readonly isFit: boolean
}

/** Where something is in progress at a server. */
export interface Generation {
  readonly server: ModelServer
  /** Tokens it holds: as expected, or as they are where that is more. */
  tokens: number
  /** Until its first token. */
  prefill: Permit | undefined
  readonly since: Instant
  readonly stream: boolean
  /** When it is taken to be there. */
  timer: Timer | undefined
}

/** So many may always wait for their first token at a server: with none waiting inside it would idle between two calls. */
const FEWEST = 4

/** One that has no first token after so many times as long as usual, or so many ms, does not hold up those who come. */
const MOST_TIMES = 10
const MOST_PREFILL: Millis = 5000

/** How much one sample moves the mean of the time to the first token. */
const GAIN = 0.1

/**
 * One model server: how much is in progress there, in calls and in tokens, and how many may wait there for their first
 * token. That number is found by the library's adaptive limit from the time to the first token: where all slots of the
 * server are taken its own queue grows, tokens come later, and less is sent until next to nothing waits inside.
 */
export class ModelServer {
  readonly member: ServerMember
  inflight = 0
  tokens = 0
  readonly #config: LlmInflightConfig
  readonly #prefill: Gate | undefined
  readonly #clock: Clock
  #ttft: Millis | undefined

  constructor(member: ServerMember, config: LlmInflightConfig, clock: Clock) {
    this.member = member
    this.#config = config
    this.#clock = clock
    const max = config.count
    if (config.adaptive)
      this.#prefill = limiter({
        name: 'first token',
        limit: adaptive({ min: Math.min(FEWEST, max), max, initial: Math.min(20, max) }),
        queue: fifo({ capacity: 0, maxWait: 0 }),
        clock,
      })
  }

  /** How many may wait for their first token. */
  get prefillLimit(): number {
    return this.#prefill?.stats.limit ?? Infinity
  }

  /** How full it is for its weight: the less the sooner it is asked. */
  get burden(): number {
    return this.tokens / this.member.weight
  }

  /** Larger ones never fit. */
  get capacity(): number {
    return this.#config.tokens
  }

  hasRoom(tokens: number): boolean {
    if (this.inflight >= this.#config.count || this.tokens + tokens > this.#config.tokens) return false
    const stats = this.#prefill?.stats
    return stats === undefined || stats.inflight < stats.limit
  }

  /** The mean time to the first token lately, in ms; undefined while nothing is known. */
  get ttft(): Millis | undefined {
    return this.#ttft
  }

  /**
   * Only where there is room. Of one that is not streamed the first token is not seen: it is taken to be there when those of
   * streams are; where there are none, its whole time is what the limit goes by. One that hangs does not count for ever.
   * @param freed called when its first token is taken to be there
   */
  begin(tokens: number, stream: boolean, freed: () => void): Generation {
    this.inflight++
    this.tokens += tokens
    const verdict = this.#prefill?.tryEnter({})
    const prefill = verdict === undefined || isRejection(verdict) ? undefined : verdict
    const generation: Generation = {
      server: this,
      tokens,
      prefill,
      since: this.#clock.now(),
      stream,
      timer: undefined,
    }
    if (prefill === undefined) return generation
    const usual = this.#ttft ?? 0
    const most = Math.max(MOST_PREFILL, MOST_TIMES * usual)
    generation.timer = this.#clock.after(!stream && usual > 0 ? usual : most, () => {
      this.began(generation, 'ignored')
      freed()
    })
    return generation
  }

  /** It holds so many tokens by now; below what was expected nothing changes. */
  grow(generation: Generation, tokens: number): void {
    if (tokens <= generation.tokens) return
    this.tokens += tokens - generation.tokens
    generation.tokens = tokens
  }

  /** Its first token is there, or will not come. */
  began(generation: Generation, outcome: Outcome): void {
    generation.timer?.cancel()
    if (generation.prefill === undefined) return
    if (outcome === 'success' && generation.stream) {
      const took = this.#clock.now() - generation.since
      this.#ttft = this.#ttft === undefined ? took : this.#ttft + GAIN * (took - this.#ttft)
    }
    generation.prefill.release(outcome)
    generation.prefill = undefined
  }

  /** @param isWhole true where it came to its end */
  end(generation: Generation, isWhole: boolean): void {
    this.began(generation, isWhole ? 'success' : 'ignored')
    this.inflight--
    this.tokens -= generation.tokens
  }

  close(): void {
    this.#prefill?.close()
  }
}
