import { randomBytes } from 'node:crypto'
import { admin } from '../admin/index.ts'
import { planHash } from '../assembly/index.ts'
import { configText, redacted, type GatewayPlan } from '../config/index.ts'
import { Controls } from '../control/index.ts'
import { listen, portOf, shut } from '../listening.ts'
import { StateWatch, type Phase } from '../live/index.ts'
import { Whole } from './whole.ts'
import { Workforce } from './workforce.ts'

export interface StartWorkersOptions {
  readonly plan: GatewayPlan
  /** At least 1. */
  readonly workers: number
  /** What the plan was read from, and how it is read again. Default: it cannot be. */
  readonly file?: string | undefined
  readonly read?: (() => Promise<GatewayPlan>) | undefined
  /** Begins to end everything. */
  readonly onDrain: () => void
  /** Told what happens, a line each. */
  readonly say: (line: string) => void
}

/** Several processes that are one gateway, from the process that starts them. */
export interface Workers {
  readonly port: number
  readonly adminPort: number
  readonly pids: readonly number[]
  /** The plan in force. */
  readonly plan: GatewayPlan
  /** Takes a plan over in all of them, or in none. @throws ConfigProblems and other errors */
  reload(plan: GatewayPlan): Promise<{ readonly waiting: readonly string[]; readonly hash: string }>
  /** Has all of them end: in order, or at once. Settles with the worst exit code. */
  end(how: 'drain' | 'end'): Promise<number>
}

/**
 * Starts workers, and an admin port that speaks for all of them.
 * @returns the exit code of one that could not be started, which has said why; then nothing is left
 * @throws ListenError when the admin port cannot be had; then nothing is left either
 */
export async function startWorkers(options: StartWorkersOptions): Promise<Workers | number> {
  const { plan: first, workers, file, say } = options
  let plan = first
  let [draining, loads] = [false, 1]
  const phase = (): Phase => (draining ? 'draining' : force.listening > 0 ? 'ready' : 'starting')
  // Else each would give a tenant another name.
  const salt = randomBytes(16).toString('hex')
  const force = new Workforce({
    plan: salted(first, salt),
    workers,
    say,
    onFigures: (number, figures) => whole.hear(number, figures),
    onExit: (number) => whole.gone(number),
  })
  const whole = new Whole({
    plan: () => plan,
    hash: () => planHash(plan),
    phase,
    loads: () => loads,
    file,
    orders: () => controls.orders,
    tell: (ends) => force.tell(ends),
  })
  const controls = new Controls({
    plan: first,
    async apply(next) {
      const waiting = await force.apply(salted(next, salt))
      const { host, port, h2c, adminHost, adminPort, tls: before } = plan.listen
      const tls = waiting.includes('listen.tls') ? before : next.listen.tls
      plan = { ...next, listen: { ...next.listen, host, port, h2c, adminHost, adminPort, tls } }
      loads++
      whole.follow()
      return { waiting, hash: planHash(plan) }
    },
    read: options.read,
    drain: options.onDrain,
    audit: say,
  })
  const { adminHost, adminPort } = first.listen
  const control = admin({
    metrics: whole,
    report: () => whole.report(),
    fresh: () => whole.fresh(),
    phase,
    causes: () => whole.causes,
    snapshot: () => whole.snapshot(),
    tick: () => whole.tick(),
    config: () => redacted(plan),
    file: () => configText(controls.plan),
    token: () => plan.listen.adminToken,
    open: !/^(localhost|::1|127\.)/.test(adminHost),
    controls: controls.commands,
    audit: say,
  })

  const watch = new StateWatch({ state: () => whole.snapshot(), say })

  async function close(): Promise<void> {
    controls.close()
    watch.stop()
    whole.stop()
    await shut(control)
  }

  try {
    await listen(control, adminPort, adminHost, true)
  } catch (error) {
    await force.ended()
    throw error
  }
  const failed = await force.start()
  if (failed !== undefined) {
    await close()
    return failed
  }
  whole.start()
  watch.start()
  return {
    port: force.port,
    adminPort: portOf(control),
    get pids() {
      return force.pids
    },
    get plan() {
      return plan
    },
    reload: (next) => controls.take(next),
    async end(how) {
      draining = true
      force.order({ kind: how })
      const worst = await force.ended()
      await close()
      return worst
    },
  }
}

/** A plan whose workers call a tenant by the same name. */
function salted(plan: GatewayPlan, salt: string): GatewayPlan {
  const { tenants } = plan
  return tenants === undefined ? plan : { ...plan, tenants: { ...tenants, salt: tenants.salt ?? salt } }
}
