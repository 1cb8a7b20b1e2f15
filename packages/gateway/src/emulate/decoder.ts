import type { Clock, Instant, Timer } from 'sluice'

export interface DecoderOptions {
  /** Tokens a second of each, when so many decode together. Above 0, finite. */
  readonly speed: (together: number) => number
  /** Tokens that come together. */
  readonly chunk: number
  readonly clock: Clock
}

/** Somebody's place in the round. */
export interface Turn {
  /** Takes a chunk; false: it needs no more, and is out. */
  readonly serve: () => boolean
  /** In tokens since the beginning of time. */
  target: number
  out: boolean
}

/**
 * Paces many that decode at one common speed, in O(1) a chunk: everybody's next chunk is due within one chunk of the
 * present, so that a queue keeps them in order. A timer that fires late is caught up with, and costs no speed.
 */
export class Decoder {
  readonly #options: DecoderOptions
  #turns: Turn[] = []
  #head = 0
  #joining: Turn[] = []
  #count = 0
  #progress = 0
  #at: Instant
  #serving = false
  #timer: Timer | undefined
  #armed: { readonly turn: Turn; readonly count: number } | undefined

  constructor(options: DecoderOptions) {
    this.#options = options
    this.#at = options.clock.now()
  }

  join(serve: () => boolean): Turn {
    const turn: Turn = { serve, target: 0, out: false }
    this.#catchUp()
    this.#count++
    this.#joining.push(turn)
    this.#seat()
    return turn
  }

  /** Idempotent. */
  leave(turn: Turn): void {
    if (turn.out) return
    this.#advance()
    turn.out = true
    this.#count--
    this.#arm()
  }

  #advance(): void {
    const now = this.#options.clock.now()
    if (this.#count > 0) this.#progress += ((now - this.#at) * this.#options.speed(this.#count)) / 1000
    this.#at = now
  }

  #catchUp(): void {
    if (this.#serving) return
    this.#serving = true
    try {
      this.#advance()
      for (;;) {
        const turn = this.#next()
        if (turn === undefined || turn.target > this.#progress + 1e-9) break
        this.#head++
        if (turn.serve()) {
          // It may have left while it was served.
          if (turn.out) continue
          turn.target += this.#options.chunk
          this.#turns.push(turn)
        } else this.leave(turn)
      }
    } finally {
      this.#serving = false
    }
    if (this.#head > 1024 && this.#head * 2 > this.#turns.length) {
      this.#turns = this.#turns.slice(this.#head)
      this.#head = 0
    }
    this.#seat()
  }

  /** Who came while others were served sits down behind them. */
  #seat(): void {
    if (this.#serving) return
    for (const turn of this.#joining) {
      turn.target = this.#progress + this.#options.chunk
      this.#turns.push(turn)
    }
    this.#joining = []
    this.#arm()
  }

  #next(): Turn | undefined {
    while (this.#turns[this.#head]?.out === true) this.#head++
    return this.#turns[this.#head]
  }

  #arm(): void {
    if (this.#serving) return
    const turn = this.#next()
    if (turn !== undefined && this.#armed?.turn === turn && this.#armed.count === this.#count) return
    this.#timer?.cancel()
    this.#timer = undefined
    this.#armed = undefined
    if (turn === undefined) return
    this.#armed = { turn, count: this.#count }
    const delay = ((turn.target - this.#progress) * 1000) / this.#options.speed(this.#count)
    this.#timer = this.#options.clock.after(Math.max(0, delay), () => {
      this.#armed = undefined
      this.#catchUp()
    })
  }
}
