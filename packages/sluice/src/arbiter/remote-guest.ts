import type { Socket } from 'node:net'
import type { BucketsStatement, SlotNews } from '../coordinate/index.ts'
import { checkBudget, checkName, checkReport, checkStatement } from './checks.ts'
import { packed, unpacked } from './endless.ts'
import { Frames, type Frame } from './frames.ts'
import type { Guest, Host } from './host.ts'
import type { Member } from './roster.ts'

/** Both sides must say the same. */
export const VERSION = 1

/** A process at the other end of a connection, as the arbiter sees it. Whatever it says is checked; nonsense ends it. */
export class RemoteGuest implements Guest {
  readonly #host: Host
  readonly #frames: Frames
  readonly #enrol: (member: Member) => void
  /** Who it is, once it has said so. */
  member: Member | undefined

  /** @param enrol told who it is, before it can have anything */
  constructor(host: Host, socket: Socket, enrol: (member: Member) => void, gone: (guest: RemoteGuest) => void) {
    this.#host = host
    this.#enrol = enrol
    this.#frames = new Frames(
      socket,
      (frame) => this.#heard(frame),
      () => {
        host.gone(this)
        gone(this)
      },
    )
    this.#say(['welcome', VERSION])
  }

  told(session: string, news: SlotNews): void {
    this.#say(['news', session, news])
  }

  noticed(session: string, isTurn: boolean): void {
    this.#say(['notice', session, isTurn])
  }

  /** Whoever speaks has others to speak to: what cannot be said ends this guest, and nothing else. */
  #say(frame: Frame): void {
    try {
      this.#frames.send(frame)
    } catch {
      this.end()
    }
  }

  end(): void {
    this.#frames.end()
  }

  #heard(frame: Frame): void {
    const [kind, id] = frame
    if (this.member === undefined) {
      if (kind !== 'hello' || id !== VERSION) throw new Error('another version')
      const member = { pid: countOf(frame[2]), id: checkName(frame[3], 'id', 64) }
      if (!/^\w+$/.test(member.id)) throw new Error('id: no name')
      this.member = member
      this.#enrol(member)
      return this.#host.greeted(member.id, countOf(frame[4]))
    }
    if (kind === 'slots') return this.#slots(id, frame)
    if (kind === 'buckets') return this.#buckets(id, frame)
    if (kind === 'close') return this.#host.forget(this, checkName(id, 'session', 128))
    throw new Error('a message of another kind')
  }

  #slots(id: unknown, [, , key, report]: Frame): void {
    this.#host.sync(this, checkName(key, 'key'), checkReport(report), (reply) =>
      this.#say(reply instanceof Error ? ['error', id, reply.message] : ['answer', id, reply]),
    )
  }

  #buckets(id: unknown, [, , budget, tenant, session, said]: Frame): void {
    const shared = checkBudget(budget)
    const statement = unpacked(checkStatement(said, shared.buckets.length)) as BucketsStatement
    const tenantName = checkName(tenant, 'tenant', 16_384)
    this.#host.state(this, shared, tenantName, checkName(session, 'session', 128), statement).then(
      (grant) => this.#say(['answer', id, packed(grant)]),
      (error: unknown) => this.#say(['error', id, String(error)]),
    )
  }
}

function countOf(value: unknown): number {
  return Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : 0
}
