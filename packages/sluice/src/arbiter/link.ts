import type { Socket } from 'node:net'
import type { SlotNews } from '../coordinate/index.ts'
import { systemWallClock, type Clock, type Instant, type Millis, type Random, type Timer } from '../ground/index.ts'
import type { Ask } from './ask.ts'
import { fencesAt } from './fences.ts'
import { Frames, type Frame } from './frames.ts'
import { Host, type Guest } from './host.ts'
import { Learning } from './learning.ts'
import type { Place } from './place.ts'
import { Reception } from './reception.ts'
import { VERSION } from './remote-guest.ts'
import type { Member } from './roster.ts'
import { seek, type Found } from './seek.ts'

/** How soon it is tried again where neither an arbiter was found nor one could be made, in ms; at most, too. */
const [SOON, LATE]: readonly [Millis, Millis] = [5, 500]
/** How long a question is kept while there is nobody to ask, in ms. */
const KEPT: Millis = 1000
/** The part of the learning window within which a claim has to be heard, in hundredths, and the window it is reckoned by. */
const [IN_TIME, WINDOW] = [0.8, 300]

/** What a {@link Link} is made of. */
export interface LinkParts {
  readonly place: Place
  readonly learning: Millis
  readonly maxProcesses: number
  readonly clock: Clock
  readonly random: Random
}

/** One who listens for a session. */
export interface Listener {
  told(news: SlotNews): void
  voided(grace: Millis): void
}

interface Pending {
  readonly ask: Ask
  readonly since: Instant
}

/** The way of this process to the arbiter: a connection, or the arbiter itself, or the search for one. */
export class Link implements Guest {
  readonly #parts: LinkParts
  readonly #listeners = new Map<string, Listener>()
  readonly #notices = new Map<string, (isTurn: boolean) => void>()
  readonly #pending = new Map<number, Pending>()
  readonly #self: Member
  #ids = 0
  #host: Host | undefined
  #reception: Reception | undefined
  #line: Frames | undefined
  #timer: Timer | undefined
  #backoff: Millis = SOON
  #fence = 0
  #closed = false
  trouble: string | undefined

  constructor(parts: LinkParts) {
    this.#parts = parts
    const part = (): string => Math.floor(parts.random() * 2 ** 32).toString(36)
    this.#self = { pid: process.pid, id: `${part()}x${part()}` }
    void this.#seek()
  }

  get role(): 'host' | 'guest' | 'seeking' | 'closed' {
    if (this.#closed) return 'closed'
    return this.#host !== undefined ? 'host' : this.#line !== undefined ? 'guest' : 'seeking'
  }

  /** Other processes that are connected to this one. */
  get guests(): number {
    return this.#reception?.guests ?? 0
  }

  get learning(): boolean {
    return this.#host?.learning ?? false
  }

  ask(ask: Ask): void {
    if (this.#closed) return ask.failed(new Error('arbiter: closed'))
    if (this.#host !== undefined) return this.#askHere(ask)
    const id = ++this.#ids
    this.#pending.set(id, { ask, since: this.#parts.clock.now() })
    if (this.#line !== undefined) this.#send(this.#line, id, ask)
  }

  #send(line: Frames, id: number, ask: Ask): void {
    try {
      line.send(ask.frame(id))
    } catch (error) {
      this.#pending.delete(id)
      ask.failed(error as Error)
    }
  }

  #askHere(ask: Ask): void {
    try {
      ask.here(this.#host!, this)
    } catch (error) {
      ask.failed(error as Error)
    }
  }

  listen(session: string, listener: Listener): () => void {
    this.#listeners.set(session, listener)
    return () => void this.#listeners.delete(session)
  }

  /** Hears of urgent news about an account, or that it is its turn, until it is forgotten. */
  notice(session: string, noticed: (isTurn: boolean) => void): void {
    this.#notices.set(session, noticed)
  }

  forget(session: string): void {
    this.#notices.delete(session)
    this.#host?.forget(this, session)
    this.#line?.send(['close', session])
  }

  told(session: string, news: SlotNews): void {
    if (news.fence > this.#fence) this.#fence = news.fence
    this.#listeners.get(session)?.told(news)
  }

  noticed(session: string, isTurn: boolean): void {
    this.#notices.get(session)?.(isTurn)
  }

  async #seek(): Promise<void> {
    try {
      const found = await seek(this.#parts.place, this.#self, (socket) => this.#welcome(socket))
      if (this.#closed) return endFound(found)
      if ('socket' in found) this.#connect(found.socket)
      else this.#rule(found)
    } catch (error) {
      this.#later((error as Error).message)
    }
  }

  #later(trouble: string): void {
    if (this.#closed) return
    const { clock, random } = this.#parts
    this.trouble = trouble
    const now = clock.now()
    for (const [id, { ask, since }] of this.#pending)
      if (since < now - KEPT) {
        this.#pending.delete(id)
        ask.failed(new Error(trouble))
      }
    const delay = this.#backoff * (0.5 + random() / 2)
    this.#backoff = Math.min(LATE, this.#backoff * 2)
    this.#timer = clock.after(delay, () => void this.#seek(), { background: true })
  }

  #connect(socket: Socket): void {
    socket.unref()
    let welcome = false
    const line: Frames = new Frames(
      socket,
      (frame) => {
        if (!welcome && frame[0] === 'welcome') {
          if (frame[1] !== VERSION) throw new Error(`arbiter: it is of version ${String(frame[1])}, not ${VERSION}`)
          welcome = true
          this.trouble = undefined
          this.#backoff = SOON
        } else this.#heard(frame)
      },
      (why) => {
        if (this.#line !== line) return
        this.#line = undefined
        this.#void()
        if (welcome) void this.#seek()
        else this.#later(why ?? 'arbiter: turned away; it may have as many processes as it takes')
      },
    )
    this.#line = line
    line.send(['hello', VERSION, this.#self.pid, this.#self.id, this.#fence])
    for (const [id, { ask }] of this.#pending) this.#send(line, id, ask)
  }

  #heard([kind, id, said]: Frame): void {
    if (kind === 'news') return this.told(id as string, said as SlotNews)
    if (kind === 'notice') return this.noticed(id as string, said === true)
    const pending = this.#pending.get(id as number)
    if (pending === undefined) return
    this.#pending.delete(id as number)
    if (kind === 'answer') pending.ask.answered(said)
    else pending.ask.failed(new Error(String(said)))
  }

  /** Becomes the arbiter. */
  #rule(found: Extract<Found, { readonly server: unknown }>): void {
    const { place, learning, clock, maxProcesses } = this.#parts
    const fence = Math.max(this.#fence, fencesAt(systemWallClock()))
    const host = new Host({ clock, learning: new Learning(clock, found.follows ? learning : 0, found.missing), fence })
    found.server.maxConnections = maxProcesses - 1
    const superseded = (): void => {
      this.#abdicate(false)
      this.#void()
      void this.#seek()
    }
    this.#host = host
    this.#reception = new Reception({ ...found, host, place, clock, superseded, self: this.#self.id })
    this.trouble = undefined
    this.#backoff = SOON
    const pending = [...this.#pending.values()]
    this.#pending.clear()
    for (const { ask } of pending) this.#askHere(ask)
  }

  #welcome(socket: Socket): void {
    if (this.#reception === undefined) socket.destroy()
    else this.#reception.welcome(socket)
  }

  #abdicate(leaves: boolean): void {
    this.#fence = Math.max(this.#fence, this.#host?.fence ?? 0)
    this.#reception?.close(leaves)
    this.#reception = undefined
    this.#host = undefined
  }

  /** Whoever kept count is gone. */
  #void(): void {
    const grace = Math.max(this.#parts.learning, WINDOW) * IN_TIME
    for (const listener of this.#listeners.values()) listener.voided(grace)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#timer?.cancel()
    const line = this.#line
    this.#line = undefined
    line?.end()
    this.#abdicate(true)
    const pending = [...this.#pending.values()]
    this.#pending.clear()
    for (const { ask } of pending) ask.failed(new Error('arbiter: closed'))
    this.#void()
  }
}

function endFound(found: Found): void {
  if ('socket' in found) found.socket.destroy()
  else found.server.close()
}
