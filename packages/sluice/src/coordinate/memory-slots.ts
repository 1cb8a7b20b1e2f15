import { systemClock, type Clock, type Instant, type World } from '../ground/index.ts'
import type { Classes, SlotCoordinator, SlotNews, SlotReply, SlotReport } from './coordinator.ts'

interface Session {
  readonly life: number
  number: number
  seq: number
  granted: number
  returned: number
  fence: number
  waiting: [number, number, number, number]
  heads: { readonly priority: number; readonly since: Instant }[]
  told: string
}

const NOBODY: Classes = [0, 0, 0, 0]

/**
 * Slots shared within one process: the same decisions as the script for Redis takes, without leases, for whoever shares
 * a process cannot vanish unnoticed. For tests, for development, and for one instance.
 */
export function memorySlots(world: Pick<World, 'clock'> = {}): SlotCoordinator {
  return new MemorySlots(world.clock ?? systemClock)
}

class MemorySlots implements SlotCoordinator {
  readonly lease = Infinity
  readonly #sessions = new Map<string, Session>()
  readonly #listeners = new Map<string, (news: SlotNews) => void>()
  readonly #outbox: (readonly [session: string, news: SlotNews])[] = []
  #lives = 0
  #fence = 0
  #limit = 0
  #delivering = false
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  sync(report: SlotReport, answer: (reply: SlotReply) => void): void {
    answer(this.#handled(report))
    this.#deliver()
  }

  listen(session: string, listener: (news: SlotNews) => void): () => void {
    this.#listeners.set(session, listener)
    return () => void this.#listeners.delete(session)
  }

  /** After the answer: whoever hears of it may report again, which must find everything in order. */
  #deliver(): void {
    if (this.#delivering) return
    this.#delivering = true
    for (let next = this.#outbox.shift(); next !== undefined; next = this.#outbox.shift())
      this.#listeners.get(next[0])?.(next[1])
    this.#delivering = false
  }

  #handled(report: SlotReport): SlotReply {
    const { session: name } = report
    let status: SlotReply['status'] = 'ok'
    let own = this.#sessions.get(name)
    if (report.life === 0) {
      if (own !== undefined && report.seq <= own.seq) status = 'stale'
      else {
        const fits = report.granted === 0 || this.#used(name) + report.granted <= this.#limit
        if (!fits) status = 'refused'
        own = newSession(++this.#lives, fits ? report.granted : 0, this.#fence)
        this.#sessions.set(name, own)
        this.#limit = report.limit
      }
    } else if (own?.life !== report.life) {
      status = 'unknown'
      own = undefined
    } else {
      own.granted = Math.max(own.granted, report.granted)
      own.returned = Math.min(Math.max(own.returned, report.returned), own.granted)
    }
    const fresh = own !== undefined && status !== 'stale' && report.seq > own.seq
    if (own !== undefined && fresh) this.#noted(own, report)
    if (own !== undefined && report.leaves) {
      this.#sessions.delete(name)
      own = undefined
    }
    this.#grant(name, report.strict)
    if (own !== undefined && fresh) this.#grantSpare(own, report.spare)
    const shed = this.#shed(name, report.queue)
    const { foreign, fair } = this.#tell(name)
    if (own !== undefined) own.number++
    return {
      status,
      life: own?.life ?? 0,
      number: own?.number ?? 0,
      granted: own?.granted ?? 0,
      fence: own?.fence ?? this.#fence,
      foreign,
      fair,
      shed,
      limit: this.#limit,
      wake: 0,
      sessions: this.#sessions.size,
      used: this.#used(),
      queued: this.#queued(),
      oldest: this.#oldest(),
      learning: false,
    }
  }

  #noted(own: Session, report: SlotReport): void {
    own.seq = report.seq
    own.waiting = [...report.waiting]
    own.heads = []
    // What was granted to it and it did not know yet has found its waiters by now.
    let served = report.life === 0 ? 0 : own.granted - report.granted
    const gone = [0, 0, 0, 0]
    for (const priority of [3, 2, 1, 0] as const) {
      gone[priority] = Math.min(served, own.waiting[priority])
      own.waiting[priority] -= gone[priority]
      served -= gone[priority]
    }
    const now = this.#clock.now()
    for (const { priority, age } of report.heads)
      if (gone[priority]!-- <= 0) own.heads.push({ priority, since: now - age })
  }

  #grant(caller: string, strict: boolean): void {
    const deaf = new Set<string>()
    for (let free = this.#limit - this.#used(); free > 0;) {
      const gains = new Map<string, number>()
      for (; free > 0; free--) {
        const next = this.#next(strict, deaf)
        if (next === undefined) break
        const session = this.#sessions.get(next.name)!
        session.granted++
        session.waiting[next.priority]!--
        if (session.heads[0]?.priority === next.priority) session.heads.shift()
        gains.set(next.name, (gains.get(next.name) ?? 0) + 1)
      }
      if (gains.size === 0) return
      for (const [name, gain] of gains) {
        const session = this.#sessions.get(name)!
        if (name !== caller && !this.#listeners.has(name)) {
          // Nobody there to hear it: taken back, and given to somebody else.
          session.number++
          session.granted -= gain
          free += gain
          deaf.add(name)
          continue
        }
        session.fence = ++this.#fence
        if (name !== caller) this.#say(name, session, NOBODY, -2, 0)
      }
    }
  }

  /** The best class; of these the oldest, or of the instance that holds least. */
  #next(strict: boolean, deaf: ReadonlySet<string>): { name: string; priority: number } | undefined {
    let chosen: { name: string; priority: number; rank: number } | undefined
    for (const [name, session] of this.#sessions) {
      const priority = bestOf(session.waiting)
      if (priority < 0 || deaf.has(name)) continue
      const [head] = session.heads
      let rank = session.granted - session.returned
      // Those it has not named yet must name themselves first.
      if (strict) rank = head?.priority === priority ? head.since : Infinity
      if (rank === Infinity) continue
      const worse =
        chosen !== undefined &&
        (priority < chosen.priority ||
          (priority === chosen.priority && (rank > chosen.rank || (rank === chosen.rank && name > chosen.name))))
      if (!worse) chosen = { name, priority, rank }
    }
    return chosen
  }

  #grantSpare(own: Session, spare: number): void {
    const extra = Math.min(this.#limit - this.#used(), spare)
    if (extra <= 0) return
    own.granted += extra
    own.fence = ++this.#fence
  }

  #shed(caller: string, queue: number): Classes {
    let over = queue === 0 ? 0 : this.#queued() - queue
    const told = new Map<string, [number, number, number, number]>()
    const others = [...this.#sessions.keys()].filter((name) => name !== caller).toSorted()
    for (let priority = 0; priority < 4 && over > 0; priority++) {
      for (const name of [caller, ...others]) {
        const session = this.#sessions.get(name)
        const some = Math.min(over, session?.waiting[priority] ?? 0)
        if (session === undefined || some <= 0) continue
        session.waiting[priority]! -= some
        over -= some
        const list = told.get(name) ?? [0, 0, 0, 0]
        list[priority] = some
        told.set(name, list)
      }
    }
    const own = told.get(caller)
    told.delete(caller)
    for (const [name, list] of told) this.#say(name, this.#sessions.get(name)!, list, -2, 0)
    return own ?? NOBODY
  }

  /** Lets each know what it competes with. */
  #tell(caller: string): { foreign: number; fair: number } {
    let [top, second, active] = [-1, -1, 0]
    let topName: string | undefined
    for (const [name, { waiting, granted, returned }] of this.#sessions) {
      const priority = bestOf(waiting)
      if (priority > top) [top, topName, second] = [priority, name, top]
      else if (priority > second) second = priority
      if (priority >= 0 || granted > returned) active++
    }
    const fair = Math.floor(this.#limit / Math.max(1, active))
    for (const [name, session] of this.#sessions) {
      const foreign = name === topName ? second : top
      const told = foreign >= 0 ? `${foreign}:${fair}` : ''
      if (told === session.told || (name !== caller && foreign >= 0 && session.granted === session.returned)) continue
      session.told = told
      if (name !== caller && foreign >= 0) this.#say(name, session, NOBODY, foreign, fair)
    }
    return { foreign: this.#sessions.has(caller) ? (caller === topName ? second : top) : -1, fair }
  }

  #say(name: string, session: Session, shed: Classes, foreign: number, fair: number): void {
    session.number++
    const { life, number, granted, fence } = session
    this.#outbox.push([name, { life, number, granted, fence, foreign, fair, shed }])
  }

  #used(except?: string): number {
    let sum = 0
    for (const [name, { granted, returned }] of this.#sessions) if (name !== except) sum += granted - returned
    return sum
  }

  #oldest(): number {
    const now = this.#clock.now()
    let oldest = now
    for (const { heads } of this.#sessions.values()) for (const { since } of heads) oldest = Math.min(oldest, since)
    return Math.ceil(now - oldest)
  }

  #queued(): number {
    let sum = 0
    for (const { waiting } of this.#sessions.values()) for (const count of waiting) sum += count
    return sum
  }
}

function newSession(life: number, granted: number, fence: number): Session {
  return { life, number: 0, seq: -1, granted, returned: 0, fence, waiting: [0, 0, 0, 0], heads: [], told: '' }
}

function bestOf(waiting: Classes): number {
  for (let priority = 3; priority >= 0; priority--) if (waiting[priority]! > 0) return priority
  return -1
}
