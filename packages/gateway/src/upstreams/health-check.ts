import type { Clock, Millis, Random, Timer } from 'sluice'
import type { UpstreamCall } from '../proxy/index.ts'
import { answeredWith, type Member } from './member.ts'

export interface HealthCheckOptions {
  /** What is asked for. */
  readonly path: string
  /** How often, in ms; a tenth more or less, so that not all are asked at once. */
  readonly every: Millis
  /** How long the head of the answer may take, in ms. */
  readonly timeout: Millis
  readonly clock: Clock
  readonly random: Random
}

/** Asks a server now and then whether it is well, past all counting of requests: a check is no work. */
export class HealthCheck {
  readonly #member: Member
  readonly #options: HealthCheckOptions
  #timer: Timer | undefined
  #call: UpstreamCall | undefined
  #stopped = false

  constructor(member: Member, options: HealthCheckOptions) {
    this.#member = member
    this.#options = options
    this.#check()
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
    this.#call?.abort()
  }

  #check(): void {
    const { path, timeout, clock } = this.#options
    let judged = false
    const judge = (ill?: string): void => {
      if (judged || this.#stopped) return
      judged = true
      this.#timer?.cancel()
      this.#member.condition.checked(ill)
      this.#next()
    }
    this.#timer = clock.after(
      timeout,
      () => {
        this.#call?.abort()
        judge('no answer in time')
      },
      { background: true },
    )
    const headers = ['host', new URL(this.#member.origin).host, 'user-agent', 'sluice-health-check', 'accept', '*/*']
    this.#call = this.#member.upstream.send(
      { method: 'GET', target: path, headers, body: undefined },
      {
        head: (status) => judge(status < 400 ? undefined : answeredWith(status)),
        data() {},
        end() {},
        failed: ({ message }) => judge(message),
      },
    )
  }

  #next(): void {
    const { every, clock, random } = this.#options
    this.#timer = clock.after(every * (0.9 + 0.2 * random()), () => this.#check(), { background: true })
  }
}
