import type { IncomingMessage } from 'node:http'
import { systemClock, type Clock, type Instant } from 'sluice'

/** Between two lines, in ms: who knocks all night must not fill a disk. */
const QUIET = 1000

/** Writes down who was not let to order anything: one line a second, and how many it stands for. */
export class TurnedAway {
  readonly #say: (line: string) => void
  readonly #clock: Clock
  #last: Instant = -Infinity
  #unsaid = 0

  constructor(say: (line: string) => void, clock: Clock = systemClock) {
    this.#say = say
    this.#clock = clock
  }

  /** @param order what was asked for; a known one @param code why it was refused */
  note(order: string, code: string, from: string): void {
    const now = this.#clock.now()
    if (now - this.#last < QUIET) {
      this.#unsaid++
      return
    }
    const more = this.#unsaid === 0 ? '' : `, and ${this.#unsaid} more before`
    this.#say(`control: ${order} refused, ${code}, from ${from}${more}`)
    this.#last = now
    this.#unsaid = 0
  }
}

/** Whoever is at the other end of the connection. */
export function peerOf({ socket }: IncomingMessage): string {
  return socket.remoteAddress ?? 'nobody'
}
