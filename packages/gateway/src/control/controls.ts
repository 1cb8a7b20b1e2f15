import { systemClock, type Clock, type Millis, type Timer } from 'sluice'
import { z } from 'zod'
import { ConfigError, ConfigProblems, type GatewayPlan } from '../config/index.ts'
import type { OrderView } from '../live/index.ts'
import { overridden } from './overrides.ts'

/** What came of an order. */
export interface Controlled {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

/** Carries out an order with what was sent along. @param from who gave it, for the log */
export type Command = (body: unknown, from?: string) => Promise<Controlled>

/** What came of a new plan. */
interface Applied {
  /** What takes effect only after a restart. */
  readonly waiting: readonly string[]
  readonly hash: string
}

export interface ControlsOptions {
  /** The plan to begin with. */
  readonly plan: GatewayPlan
  /** Brings a plan into force, whole or not at all. Never called before the last one has settled. */
  readonly apply: (plan: GatewayPlan) => Promise<Applied>
  /** Reads the plan again. Default: nothing can be read again. */
  readonly read?: (() => Promise<GatewayPlan>) | undefined
  /** Begins to drain the process. Default: nobody may. */
  readonly drain?: (() => void) | undefined
  /** Told once of each order, whatever came of it: one line. */
  readonly audit: (line: string) => void
  readonly clock?: Clock
}

const MINUTE: Millis = 60_000

// What zod says of a value that does not do: what was expected.
const [MINUTES, AT_ONCE, NAME] = [
  'a number of minutes from 1 to 1440',
  'a whole number from 1 to 1000000',
  'the name of a limit',
] as const
const minutes = z.number(MINUTES).min(1, MINUTES).max(1440, MINUTES)

/** What can be ordered. */
export type Order = 'reload' | 'pause' | 'resume' | 'limit' | 'drain'

/** How long an order holds that does not say: a gateway that refuses nobody must not be forgotten. */
const PAUSE_MINUTES = 15

const BODIES = {
  reload: z.strictObject({}),
  pause: z.strictObject({ minutes: minutes.default(PAUSE_MINUTES) }),
  resume: z.strictObject({}),
  limit: z.strictObject({
    limit: z.int(AT_ONCE).min(1, AT_ONCE).max(1_000_000, AT_ONCE),
    minutes,
    name: z.string(NAME).min(1, NAME).max(100, NAME).default('default'),
  }),
  drain: z.strictObject({}),
}

/**
 * What an operator can order while a gateway runs. Each order is undone by itself after its minutes, or by the next one of
 * its kind; the plan itself is not touched, so a reload keeps what was laid over it.
 */
export class Controls {
  readonly commands: Readonly<Record<Order, Command>>
  readonly #options: ControlsOptions
  readonly #clock: Clock
  #plan: GatewayPlan
  #orders: readonly OrderView[] = []
  readonly #timers = new Map<string, Timer>()
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: ControlsOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#plan = options.plan
    this.commands = {
      reload: this.#ordered('reload', async () => {
        const { read } = options
        if (read === undefined)
          return refused(409, 'NO_FILE', 'it was started without a file, so there is nothing to read again')
        return this.#reload(await read())
      }),
      pause: this.#ordered('pause', async (body) => {
        await this.#lay({ kind: 'pause', until: until(body.minutes) }, body.minutes)
        return done(`nobody is refused for ${spoken(body.minutes)}; everything is counted`)
      }),
      resume: this.#ordered('resume', async () => {
        await this.#inTurn(() => this.#order([]))
        this.close()
        return done('the plan is in force again, as it was written')
      }),
      limit: this.#ordered('limit', async (body) => {
        const { name, limit } = body
        if (!Object.hasOwn(this.#plan.limits, name)) {
          const there = Object.keys(this.#plan.limits).join(', ') || 'none'
          return refused(404, 'NO_SUCH_LIMIT', `name is ${JSON.stringify(name)}; expected one of the limits: ${there}`)
        }
        await this.#lay({ kind: 'limit', limit: name, to: limit, until: until(body.minutes) }, body.minutes)
        return done(`${name} is ${limit} for ${spoken(body.minutes)}`)
      }),
      drain: this.#ordered('drain', async () => {
        if (options.drain === undefined) return refused(409, 'NOT_HERE', 'who started this gateway has to end it')
        options.drain()
        return done('nothing more is let in; the process ends when all is served')
      }),
    }
  }

  /** What was ordered and is not over. */
  get orders(): readonly OrderView[] {
    return this.#orders
  }

  /** The plan without what was ordered. */
  get plan(): GatewayPlan {
    return this.#plan
  }

  /** Takes a plan over from elsewhere, such as SIGHUP; what was laid over the old one stays. */
  take(plan: GatewayPlan): Promise<Applied> {
    return this.#inTurn(async () => {
      const applied = await this.#options.apply(overridden(plan, this.#orders))
      this.#plan = plan
      return applied
    })
  }

  close(): void {
    for (const timer of this.#timers.values()) timer.cancel()
    this.#timers.clear()
  }

  async #reload(plan: GatewayPlan): Promise<Controlled> {
    const { waiting, hash } = await this.take(plan)
    const data = { plan: hash, waits_for_restart: waiting }
    return { status: 200, body: { success: true, message: `plan ${hash} is in force`, data } }
  }

  /** Whoever changes the plan sees what the one before has made of it. */
  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const done = this.#last.then(change)
    this.#last = done.catch(() => {})
    return done
  }

  async #order(orders: readonly OrderView[]): Promise<void> {
    await this.#options.apply(overridden(this.#plan, orders))
    this.#orders = orders
  }

  /** Lays an order over the plan, in the place of one of its kind, until it is over. */
  async #lay(order: OrderView, minutes: number): Promise<void> {
    const key = keyOf(order)
    await this.#inTurn(() => this.#order([...this.#orders.filter((each) => keyOf(each) !== key), order]))
    this.#timers.get(key)?.cancel()
    const timer = this.#clock.after(
      minutes * MINUTE,
      () => {
        this.#timers.delete(key)
        this.#inTurn(() => this.#order(this.#orders.filter((each) => each !== order))).then(
          () => this.#options.audit(`control: ${key} is over`),
          (error: unknown) => this.#options.audit(`control: ${key} could not be undone: ${String(error)}`),
        )
      },
      { background: true },
    )
    this.#timers.set(key, timer)
  }

  /** Reads what was sent along, carries it out, and writes down both. */
  #ordered<K extends Order>(name: K, run: (body: z.output<(typeof BODIES)[K]>) => Promise<Controlled>): Command {
    return async (sent, from) => {
      const read = BODIES[name].safeParse(sent)
      let answer: Controlled
      if (read.success) {
        try {
          answer = await run(read.data as z.output<(typeof BODIES)[K]>)
        } catch (error) {
          answer = failed(error)
        }
      } else {
        answer = refused(400, 'BAD_ORDER', senseless(sent, read.error.issues[0]!, Object.keys(BODIES[name].shape)))
      }
      // As JSON: nothing that was sent can begin a line of its own.
      const by = from === undefined ? '' : ` from ${from}`
      this.#options.audit(`control: ${name} ${JSON.stringify(read.data ?? {})} ${answer.status}${by}`)
      return answer
    }
  }
}

/** What is wrong with what was sent along: its field, its value, what was expected. */
function senseless(sent: unknown, { path: [field], message, ...issue }: z.core.$ZodIssue, fields: string[]): string {
  const shown = (value: unknown): string => (JSON.stringify(value) ?? 'missing').slice(0, LONGEST)
  if (field !== undefined)
    return `${String(field)} is ${shown((sent as Record<PropertyKey, unknown>)[field])}; expected ${message}`
  const expected = fields.length === 0 ? 'nothing' : `nothing but ${fields.join(', ')}`
  const found = issue.code === 'unrecognized_keys' ? `has ${shown(issue.keys[0])}` : `is ${shown(sent)}`
  return `the body ${found}; expected ${expected} in an object`
}

/** Of a value that is shown, in characters. */
const LONGEST = 80

/** Orders of one key take each other's place. */
function keyOf(order: OrderView): string {
  return order.kind === 'pause' ? 'pause' : `limit ${order.limit}`
}

function until(minutes: number): number {
  return Date.now() + minutes * MINUTE
}

function spoken(minutes: number): string {
  return `${minutes} ${minutes === 1 ? 'minute' : 'minutes'}`
}

function done(message: string): Controlled {
  return { status: 200, body: { success: true, message } }
}

function refused(status: number, code: string, message: string, errors?: readonly string[]): Controlled {
  const error = { code, message, retry_after: null }
  return { status, body: { success: false, error, ...(errors !== undefined && { errors }) } }
}

/** Whatever went wrong, the plan in force is the one before. */
function failed(error: unknown): Controlled {
  if (!(error instanceof Error)) return refused(500, 'FAILED', String(error))
  if (!(error instanceof ConfigProblems) && !(error instanceof ConfigError))
    return refused(500, 'FAILED', error.message)
  return refused(422, 'BAD_CONFIGURATION', 'nothing was changed', error.message.split('\n'))
}
