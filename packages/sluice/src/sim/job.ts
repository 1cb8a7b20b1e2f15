import type { Arrival, Instant, Priority } from '../ground/index.ts'

/** What an arrival of the simulator is like, apart from when it comes. */
export interface JobTraits {
  /** Its class in the mix. */
  readonly kind: number
  /** Its tenant; -1 where nobody tells them apart. */
  readonly tenant: number
  /** The name of the tenant; empty where nobody tells them apart. */
  readonly flow: string
  readonly priority: Priority
  readonly cost: number
  /** What it asks for: a name that gates may tell service times by. */
  readonly route: string
  /** How much there is to do: every time in service is multiplied by this. */
  readonly work: number
  /** An answer later than this is worth nothing and the gate is told so; `Infinity` for none. */
  readonly deadline: Instant
  /** One of the closed-loop users waits for it. */
  readonly user: boolean
}

/** One attempt of a client: what a gate is asked about. */
export class Job implements Arrival {
  readonly traits: JobTraits
  readonly flow: string
  readonly priority: Priority
  readonly cost: number
  readonly deadline: Instant
  readonly route: string
  readonly work: number
  /** When it was sent. */
  readonly since: Instant
  /** How many came before it for the same request: 0 for a first attempt. */
  readonly attempt: number
  /** The client has its answer or its refusal, or has left. */
  settled = false
  /** Where it is: told when its client leaves. */
  visit: { leave(): void } | undefined

  constructor(traits: JobTraits, since: Instant, attempt: number) {
    this.traits = traits
    this.flow = traits.flow
    this.priority = traits.priority
    this.cost = traits.cost
    this.deadline = traits.deadline
    this.route = traits.route
    this.work = traits.work
    this.since = since
    this.attempt = attempt
  }
}
