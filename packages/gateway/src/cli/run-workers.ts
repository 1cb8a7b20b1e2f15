import { ConfigProblems, describeGatewayPlan, describeUpstreams, type GatewayPlan } from '../config/index.ts'
import type { Gateway } from '../gateway.ts'
import { startWorkers, type Applied, type Order, type OwnWorker } from '../workers/index.ts'
import { spoken } from './duration.ts'
import { endOnSignal } from './end-on-signal.ts'
import { lookAround } from './look-around.ts'
import { obeyHangUp, reload } from './reload.ts'

export interface RunWorkersOptions {
  readonly plan: GatewayPlan
  readonly workers: number
  /** What the plan was read from. */
  readonly file: string | undefined
  /** Reads it again. Default: there is nothing to be read again. */
  readonly read?: () => Promise<GatewayPlan>
}

/**
 * The first process of several: it serves no requests, keeps count for all, and speaks for them on the admin port.
 * @throws ListenError
 */
export async function runWorkers({ plan, workers, file, read }: RunWorkersOptions): Promise<void> {
  const { host, adminHost, drainTimeout, tls } = plan.listen
  const all = await startWorkers({
    plan,
    workers,
    say,
    file,
    read,
    onDrain: () => void process.kill(process.pid, 'SIGTERM'),
  })
  if (typeof all === 'number') process.exit(all)
  let draining = false
  const onSignal = (signal: NodeJS.Signals): void => {
    const ended = all.end(draining ? 'end' : 'drain')
    if (draining) return
    draining = true
    say(`${signal}: ${workers} workers end, each within ${spoken(drainTimeout)}`)
    void ended.then((code) => process.exit(code))
  }
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal)
  obeyHangUp(read && ((): void => void reload(all, file, read)))
  process.stdout.write(
    `sluice: ${tls === undefined ? 'http' : 'https'}://${inUrl(host)}:${all.port} -> ${describeUpstreams(plan)}, ${describeGatewayPlan(plan)}; ` +
      `${workers} workers (${all.pids.join(', ')}), page, health and metrics on http://${inUrl(adminHost)}:${all.adminPort}\n`,
  )
  await lookAround(plan, say)
}

/** Does what the first process says. A terminal tells its signals to all of a group: they are for the first one. */
export function obey(worker: OwnWorker, gateway: Gateway): void {
  endOnSignal(gateway, () => gateway.plan.listen.drainTimeout, ['SIGTERM'])
  process.on('SIGINT', () => {}).on('SIGHUP', () => {})
  worker.onOrder((order) => void carryOut(order, worker, gateway))
  worker.report({ kind: 'listening', port: gateway.port })
}

async function carryOut(order: Order, worker: OwnWorker, gateway: Gateway): Promise<void> {
  if (order.kind === 'drain' || order.kind === 'end') process.emit('SIGTERM', 'SIGTERM')
  else if (order.kind === 'apply')
    worker.report({ kind: 'applied', id: order.id, result: await applied(gateway, order.plan) })
  else if (order.kind === 'tell') {
    const second = order.ends ? gateway.second().data : undefined
    const metrics = await gateway.registry.getMetricsAsJSON()
    const snapshot = { ...gateway.snapshot(), history: [] }
    worker.report({ kind: 'figures', id: order.id, figures: { snapshot, metrics, second } })
  }
}

async function applied(gateway: Gateway, plan: GatewayPlan): Promise<Applied> {
  try {
    return { waiting: (await gateway.reload(plan)).waiting }
  } catch (error) {
    if (error instanceof ConfigProblems) return { problems: error.problems }
    return { error: error instanceof Error ? error.message : String(error) }
  }
}

function say(line: string): void {
  process.stderr.write(`sluice: ${line}\n`)
}

function inUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}
