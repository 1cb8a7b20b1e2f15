import { systemClock, type Clock, type Millis, type Timer } from 'sluice'
import { z } from 'zod'
import { ConfigError, ConfigProblems, type GatewayPlan } from '../config/index.ts'
import { NONE, overridden, type Overrides } from './overrides.ts'

/** What came of an order. */
export interface Controlled {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

/** Carries out an order with what was sent along. */
export type Command = (body: unknown) => Promise<Controlled>

/** What came of a new plan. */
interface Applied {
  /** What takes effect only after a restart. */
  readonly waiting: readonly string[]
  readonly hash: string
}

export interface ControlsOptions {
  /** The plan to begin with. */
  readonly plan: GatewayPlan
  /** Brings a plan into force, whole or not at all. */
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

const minutes = z.number('expected a number of minutes').min(1).max(1440)

/** What can be ordered. */
export type Order = 'reload' | 'pause' | 'resume' | 'limit' | 'drain'

/** How long an order holds that does not say: a gateway that refuses nobody must not be forgotten. */
const PAUSE_MINUTES = 15

const BODIES = {
  reload: z.strictObject({}),
  pause: z.strictObject({ minutes: minutes.default(PAUSE_MINUTES) }),
  resume: z.strictObject({}),
  limit: z.strictObject({
    limit: z.int().min(1).max(1_000_000),
    minutes,
    name: z.string().min(1).max(100).default('default'),
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
  #overrides: Overrides = NONE
  readonly #timers = new Map<string, Timer>()

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
        await this.#lay({ ...this.#overrides, paused: true })
        this.#undo('pause', body.minutes, () => this.#lay({ ...this.#overrides, paused: false }))
        return done(`nobody is refused for ${body.minutes} minutes; everything is counted`)
      }),
      resume: this.#ordered('resume', async () => {
        for (const timer of this.#timers.values()) timer.cancel()
        this.#timers.clear()
        await this.#lay(NONE)
        return done('the plan is in force again, as it was written')
      }),
      limit: this.#ordered('limit', async (body) => {
        const { name, limit } = body
        if (!Object.hasOwn(this.#plan.limits, name)) {
          const there = Object.keys(this.#plan.limits).join(', ') || 'none'
          return refused(404, 'NO_SUCH_LIMIT', `name is ${JSON.stringify(name)}; expected one of the limits: ${there}`)
        }
        await this.#lay({ ...this.#overrides, limits: { ...this.#overrides.limits, [name]: limit } })
        this.#undo(`limit ${name}`, body.minutes, () => {
          const { [name]: _gone, ...rest } = this.#overrides.limits
          return this.#lay({ ...this.#overrides, limits: rest })
        })
        return done(`${name} is ${limit} for ${body.minutes} minutes`)
      }),
      drain: this.#ordered('drain', async () => {
        if (options.drain === undefined) return refused(409, 'NOT_HERE', 'who started this gateway has to end it')
        options.drain()
        return done('nothing more is let in; the process ends when all is served')
      }),
    }
  }

  /** Takes a plan over from elsewhere, such as SIGHUP; what was laid over the old one stays. */
  async take(plan: GatewayPlan): Promise<Applied> {
    const applied = await this.#options.apply(overridden(plan, this.#overrides))
    this.#plan = plan
    return applied
  }

  close(): void {
    for (const timer of this.#timers.values()) timer.cancel()
  }

  async #reload(plan: GatewayPlan): Promise<Controlled> {
    try {
      const { waiting, hash } = await this.take(plan)
      const data = { plan: hash, waits_for_restart: waiting }
      return { status: 200, body: { success: true, message: `plan ${hash} is in force`, data } }
    } catch (error) {
      return badPlan(error)
    }
  }

  async #lay(overrides: Overrides): Promise<void> {
    await this.#options.apply(overridden(this.#plan, overrides))
    this.#overrides = overrides
  }

  #undo(key: string, after: number, undo: () => Promise<void>): void {
    this.#timers.get(key)?.cancel()
    const timer = this.#clock.after(
      after * MINUTE,
      () => {
        this.#timers.delete(key)
        undo().then(
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
    return async (sent) => {
      const read = BODIES[name].safeParse(sent)
      let answer: Controlled
      if (read.success) {
        try {
          answer = await run(read.data as z.output<(typeof BODIES)[K]>)
        } catch (error) {
          answer = badPlan(error)
        }
      } else {
        const { path, message } = read.error.issues[0]!
        answer = refused(400, 'BAD_ORDER', `${path.length === 0 ? 'the body' : path.join('.')}: ${message}`)
      }
      // As JSON: nothing that was sent can begin a line of its own.
      this.#options.audit(`control: ${name} ${JSON.stringify(read.data ?? {})} ${answer.status}`)
      return answer
    }
  }
}

function done(message: string): Controlled {
  return { status: 200, body: { success: true, message } }
}

function refused(status: number, code: string, message: string, errors?: readonly string[]): Controlled {
  const error = { code, message, retry_after: null }
  return { status, body: { success: false, error, ...(errors !== undefined && { errors }) } }
}

function badPlan(error: unknown): Controlled {
  if (!(error instanceof ConfigProblems) && !(error instanceof ConfigError)) throw error
  return refused(422, 'BAD_CONFIGURATION', 'nothing was changed', error.message.split('\n'))
}
