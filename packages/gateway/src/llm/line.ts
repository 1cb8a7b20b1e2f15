import type { Instant, Millis, Priority } from 'sluice'
import type { LlmUsage, ModelStatus, ProviderRefusal, RefusalVerdict } from 'sluice/llm'
import type { Upstream } from '../proxy/index.ts'

/** What one call is expected to take. */
export interface CallSize {
  readonly model: string
  /** Tokens of the prompt, estimated. */
  readonly input: number
  /** The most it may answer; undefined where it does not say. */
  readonly maxOutput: number | undefined
  /** Whether its first token will be seen. */
  readonly stream: boolean
}

/** Why somebody is not served. */
export interface LineRefusal {
  /**
   * `share`: its tenant has more waiting than its part. `full`: everybody together has. `late`: it would not begin, or has
   * not begun, in time. `never`: it is larger than all there can be. `unknown`: no limits for its model. `closed`.
   */
  readonly is: 'share' | 'full' | 'late' | 'never' | 'unknown' | 'closed'
  readonly message: string
  /** When to come again, in ms; undefined where nobody knows. */
  readonly delay?: Millis | undefined
}

/** One who waits for a turn. It is told once, `granted` or `refused`, unless it leaves. */
export interface Asker {
  readonly tenant: string
  readonly priority: Priority
  readonly size: CallSize
  /** To begin after this is worth nothing to it. */
  readonly expires: Instant
  granted(turn: Turn): void
  refused(refusal: LineRefusal): void
}

/** The right to make one call. Ends once. */
export interface Turn {
  readonly upstream: Upstream
  /** How long it waited, in ms. */
  readonly waited: Millis
  /** How many tokens its answer is expected to have; undefined where nobody waited for it. */
  readonly expected: number | undefined
  /** The head of a good answer is there: names and values in turn. */
  heard(headers: readonly string[]): void
  /** The first token is there. */
  began(): void
  /** So many tokens have been answered so far. */
  produced(tokens: number): void
  /** The upstream would not, or failed (status 0). The turn is over. */
  failed(refusal: ProviderRefusal): RefusalVerdict
  /** It has ended: by itself, or `left` by its client. */
  end(usage: LlmUsage | undefined, how: 'done' | 'left'): void
}

/** Where calls wait for their turn. */
export interface Line {
  /** @param after the turn it had before, where it comes again */
  enter(asker: Asker, after?: Turn): void
  /** It does not wait any more. Idempotent. */
  leave(asker: Asker): void
  /** How long it would wait, in ms; undefined where nobody knows. */
  expected(asker: Asker): Millis | undefined
  /** Makes room by sending somebody less important away; false where there is nobody. */
  evict(tenant: string, priority: Priority): boolean
  /** Who is to blame that it is full: true where this tenant has more than its part. */
  isAboveShare(tenant: string): boolean
  readonly status: LineStatus
  /** How the limits of a provider stand, by model; none before model servers. */
  models(): readonly ModelStatus[]
  close(): void
}

/** How a line stands. */
export interface LineStatus {
  readonly waiting: number
  /** The same by band, the lowest first. */
  readonly waitingBy: readonly number[]
  readonly inflight: number
  /** Tokens in progress, as expected or as they are, whichever is more; and the most there ever were. */
  readonly tokens: number
  readonly peakTokens: number
  /** Tokens a second, and what waits, in tokens as the order of tenants counts them; undefined while nothing is known. */
  readonly rate: number | undefined
  readonly backlog: number
}
