import type { Clock, Millis, Random, Timer } from 'sluice'
import { Decoder, type Turn } from './decoder.ts'

/** Speed of a model server. */
export interface EngineOptions {
  /** Generations at once. Default: no limit. */
  readonly slots?: number
  /** Calls that may wait for a slot; one more is refused as overload. Default: no limit. */
  readonly waiting?: number
  /** To the first token of a prompt of no length, in ms. Default 0. */
  readonly ttft?: Millis
  /** The same varies evenly by this share either way, 0 to 1. Default 0. */
  readonly jitter?: number
  /** Reading 1,000 tokens of prompt, in ms. Default 0. */
  readonly prefill?: Millis
  /** Tokens a second of one generation that is alone. Default: all at once. */
  readonly tokensPerSecond?: number
  /** What each further generation takes from the speed of all: `tokensPerSecond / (1 + slowdown × (n − 1))`. Default 0. */
  readonly slowdown?: number
  /** Tokens that come together. A whole number from 1. Default 1. */
  readonly chunk?: number
}

/** Told what becomes of a generation. */
export interface Reader {
  /** The prompt has been read. */
  began(): void
  tokens(count: number): void
  finished(): void
}

export type Phase = 'queued' | 'first-token' | 'decoding' | 'over'

/** A model server: slots, a queue before them, and a speed that falls with the number of those who share it. */
export class Engine {
  readonly #options: Required<EngineOptions>
  readonly #clock: Clock
  readonly #random: Random
  readonly #decoder: Decoder | undefined
  readonly #waiting: Generation[] = []
  #busy = 0

  constructor(options: EngineOptions, clock: Clock, random: Random) {
    const unlimited = { slots: Infinity, waiting: Infinity, tokensPerSecond: Infinity }
    this.#options = { ...unlimited, ttft: 0, jitter: 0, prefill: 0, slowdown: 0, chunk: 1, ...options }
    this.#clock = clock
    this.#random = random
    const { tokensPerSecond, slowdown, chunk } = this.#options
    const speed = (together: number): number => tokensPerSecond / (1 + slowdown * (together - 1))
    if (tokensPerSecond < Infinity) this.#decoder = new Decoder({ speed, chunk, clock })
  }

  get busy(): number {
    return this.#busy
  }

  get queued(): number {
    return this.#waiting.length
  }

  /** One more would find neither a slot nor a place to wait. */
  get full(): boolean {
    return this.#busy >= this.#options.slots && this.#waiting.length >= this.#options.waiting
  }

  /**
   * An answer to be made, once it is let in with {@link enter}.
   * @param input tokens to read
   * @param output tokens to make
   */
  generation(input: number, output: number, reader: Reader): Generation {
    const { ttft, jitter, prefill, chunk } = this.#options
    const generation: Generation = new Generation({
      read: ttft * (1 + jitter * (2 * this.#random() - 1)) + (prefill * input) / 1000,
      output,
      chunk,
      reader,
      clock: this.#clock,
      decoder: this.#decoder,
      onOver: (phase) => this.#over(generation, phase),
    })
    return generation
  }

  enter(generation: Generation): void {
    if (this.#busy < this.#options.slots) this.#occupy(generation)
    else this.#waiting.push(generation)
  }

  #occupy(generation: Generation): void {
    this.#busy++
    generation.start()
  }

  #over(generation: Generation, phase: Phase): void {
    if (phase === 'queued') {
      this.#waiting.splice(this.#waiting.indexOf(generation), 1)
      return
    }
    this.#busy--
    const next = this.#waiting.shift()
    if (next !== undefined) this.#occupy(next)
  }
}

interface GenerationOptions {
  readonly read: Millis
  readonly output: number
  readonly chunk: number
  readonly reader: Reader
  readonly clock: Clock
  readonly decoder: Decoder | undefined
  readonly onOver: (phase: Phase) => void
}

/** One answer in the making. */
export class Generation {
  readonly #options: GenerationOptions
  #phase: Phase = 'queued'
  #left: number
  #timer: Timer | undefined
  #turn: Turn | undefined
  #held = false

  constructor(options: GenerationOptions) {
    this.#options = options
    this.#left = options.output
  }

  get phase(): Phase {
    return this.#phase
  }

  /** For {@link Engine} only: it has a slot. */
  start(): void {
    this.#phase = 'first-token'
    const { read, clock } = this.#options
    if (read > 0) this.#timer = clock.after(read, () => this.#begin())
    else this.#begin()
  }

  /** Keeps its slot and gets nothing for so long, in ms. Only while it decodes. */
  hold(duration: Millis): void {
    if (this.#phase !== 'decoding' || this.#held) return
    this.#held = true
    this.#stop()
    this.#timer = this.#options.clock.after(duration, () => {
      this.#held = false
      this.#go()
    })
  }

  /** Nobody wants it any more: its slot is free at once. Idempotent. */
  cancel(): void {
    if (this.#phase === 'over') return
    const phase = this.#phase
    this.#phase = 'over'
    this.#timer?.cancel()
    this.#stop()
    this.#options.onOver(phase)
  }

  #begin(): void {
    this.#phase = 'decoding'
    this.#options.reader.began()
    this.#go()
  }

  #go(): void {
    // Whoever was told may have cancelled, or asked for a pause.
    if (this.#phase !== 'decoding' || this.#held) return
    const { decoder } = this.#options
    if (this.#left > 0 && decoder !== undefined) {
      this.#turn = decoder.join(() => this.#serve())
      return
    }
    let more = this.#left > 0
    while (more) more = this.#serve()
    if (this.#left <= 0 && this.#phase === 'decoding' && !this.#held) this.#finish()
  }

  #serve(): boolean {
    const count = Math.min(this.#options.chunk, this.#left)
    this.#left -= count
    this.#options.reader.tokens(count)
    if (this.#phase !== 'decoding' || this.#held) return false
    if (this.#left > 0) return true
    if (this.#turn !== undefined) this.#finish()
    return false
  }

  #finish(): void {
    this.cancel()
    this.#options.reader.finished()
  }

  #stop(): void {
    if (this.#turn !== undefined) this.#options.decoder?.leave(this.#turn)
    this.#turn = undefined
  }
}
