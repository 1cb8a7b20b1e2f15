import type { RedisPort } from './port.ts'
import { bucketsNotice } from './scripts/buckets-notice.ts'

/** Begins what is said to one session only: nobody's tenant, so that who does not know it hears nothing. */
const TURN = 'turn'

/** Hears, for all accounts of one budget, that a tenant has urgent news, or that it is somebody's turn; and tells. */
export class BucketsNotices {
  readonly #port: RedisPort
  readonly #channel: string
  readonly #tenants = new Map<string, Map<string, (isTurn?: boolean) => void>>()
  #stop: Promise<(() => Promise<void>) | undefined> | undefined

  constructor(port: RedisPort, channel: string) {
    this.#port = port
    this.#channel = channel
  }

  add(tenant: string, session: string, noticed: (isTurn?: boolean) => void): void {
    const sessions = this.#tenants.get(tenant) ?? new Map<string, (isTurn?: boolean) => void>()
    this.#tenants.set(tenant, sessions.set(session, noticed))
    this.listen()
  }

  remove(tenant: string, session: string): void {
    const sessions = this.#tenants.get(tenant)
    if (sessions?.delete(session) !== true || sessions.size > 0) return
    this.#tenants.delete(tenant)
    if (this.#tenants.size > 0) return
    const stop = this.#stop
    this.#stop = undefined
    void stop?.then((end) => end?.()).catch(() => {})
  }

  /** Tried again with each statement until it works: until then what is at hand is used up to the end of its lease. */
  listen(): void {
    if (this.#stop !== undefined || this.#tenants.size === 0) return
    this.#stop = this.#port.subscribe(this.#channel, this.#hear).catch(() => {
      this.#stop = undefined
      return undefined
    })
  }

  tell(tenant: string, session: string): void {
    // Who does not hear it stops when its lease ends.
    this.#say(`${tenant} ${session}`)
  }

  /** There is enough by now for whoever waits there. Who does not hear it asks again when it was told to. */
  call(tenant: string, session: string): void {
    this.#say(`${TURN} ${tenant} ${session}`)
  }

  #say(message: string): void {
    this.#port.run(bucketsNotice, [this.#channel], [message]).catch(() => {})
  }

  readonly #hear = (message: string): void => {
    const [tenant = '', from = '', called = ''] = message.split(' ')
    if (tenant === TURN) return this.#tenants.get(from)?.get(called)?.(true)
    for (const [session, noticed] of this.#tenants.get(tenant) ?? []) if (session !== from) noticed()
  }
}
