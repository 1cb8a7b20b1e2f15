import type { Server, Socket } from 'node:net'
import type { Clock, Timer } from '../ground/index.ts'
import type { Host } from './host.ts'
import type { Place } from './place.ts'
import { RemoteGuest } from './remote-guest.ts'
import type { Roster } from './roster.ts'
import { vacate } from './seek.ts'

/** How often it is looked whether the socket is still the one that counts, in ms. */
const LOOK = 1000

/** What a {@link Reception} is made of. */
export interface ReceptionParts {
  readonly server: Server
  readonly host: Host
  readonly place: Place
  readonly number: number
  readonly inode: number
  readonly roster: Roster
  /** This very process, on the roster. */
  readonly self: string
  readonly clock: Clock
  /** Told when the socket was removed or superseded: somebody else may be in charge. */
  readonly superseded: () => void
}

/** The door of an arbiter: whoever connects becomes a guest. */
export class Reception {
  readonly #parts: ReceptionParts
  readonly #guests = new Set<RemoteGuest>()
  #timer: Timer | undefined
  #closed = false

  constructor(parts: ReceptionParts) {
    this.#parts = parts
    parts.server.unref()
    this.#arm()
  }

  get guests(): number {
    return this.#guests.size
  }

  welcome(socket: Socket): void {
    socket.unref()
    const { host, roster } = this.#parts
    const guest = new RemoteGuest(
      host,
      socket,
      (member) => roster.add(member),
      () => this.#gone(guest),
    )
    this.#guests.add(guest)
  }

  #gone(guest: RemoteGuest): void {
    const { roster } = this.#parts
    this.#guests.delete(guest)
    const id = guest.member?.id
    // It may have come back by another way before the old one had ended.
    if (id !== undefined && !this.#closed && ![...this.#guests].some(({ member }) => member?.id === id))
      roster.remove([id])
  }

  get #isInForce(): boolean {
    const { place, number, inode } = this.#parts
    try {
      return place.inodeOf(number) === inode && place.top === number
    } catch {
      // The folder itself is gone.
      return false
    }
  }

  #arm(): void {
    const look = (): void => {
      if (this.#isInForce) this.#arm()
      else this.#parts.superseded()
    }
    this.#timer = this.#parts.clock.after(LOOK, look, { background: true })
  }

  /** @param leaves whether this process will not be back with what it holds */
  close(leaves: boolean): void {
    const { server, host, place, number } = this.#parts
    this.#timer?.cancel()
    this.#closed = true
    if (leaves) this.#parts.roster.remove([this.#parts.self])
    const vacant = this.#guests.size === 0 && host.isVacant && this.#isInForce
    server.close()
    if (vacant) vacate(place, number)
    for (const guest of this.#guests) guest.end()
  }
}
