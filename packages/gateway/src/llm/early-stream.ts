import type { ServerResponse } from 'node:http'
import type { Clock, Millis, Timer } from 'sluice'

/** How often a comment is sent, in ms: half of what the shortest timers between here and the client are. */
const EVERY: Millis = 15_000

/**
 * A stream that begins before its answer does: 200, and a comment now and then, which every client leaves out, so that
 * nobody on the way takes the silence for death.
 */
export class EarlyStream {
  readonly #res: ServerResponse
  readonly #clock: Clock
  readonly #comment: string
  #timer: Timer | undefined

  constructor(res: ServerResponse, clock: Clock, comment: string) {
    this.#res = res
    this.#clock = clock
    this.#comment = `: ${comment}\n\n`
  }

  begin(headers: Readonly<Record<string, string>>): void {
    this.#res.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
      ...headers,
    })
    this.#say()
  }

  /** The answer has come, or will not. */
  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #say(): void {
    this.#res.write(this.#comment)
    this.#timer = this.#clock.after(EVERY, () => this.#say(), { background: true })
  }
}
