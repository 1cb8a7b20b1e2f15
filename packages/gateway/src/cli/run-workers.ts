import { describeGatewayPlan, describeUpstreams, type GatewayPlan } from '../config/index.ts'
import type { Gateway } from '../gateway.ts'
import { Workforce, type OwnWorker } from '../workers/index.ts'
import { spoken } from './duration.ts'
import { endOnSignal } from './end-on-signal.ts'

/** The first process of several: it serves nothing, and keeps count for all. */
export async function runWorkers(config: GatewayPlan, file: string | undefined, workers: number): Promise<void> {
  const { host, adminHost, drainTimeout } = config.listen
  const force = new Workforce({ workers, say, onDrain: () => void process.kill(process.pid, 'SIGTERM') })
  const failed = await force.start()
  if (failed !== undefined) process.exit(failed)
  let draining = false
  const onSignal = (signal: NodeJS.Signals): void => {
    force.order(draining ? 'end' : 'drain')
    if (draining) return
    draining = true
    say(`${signal}: ${workers} workers end, each within ${spoken(drainTimeout)}`)
    void force.ended().then((code) => process.exit(code))
  }
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal)
  if (file !== undefined) process.on('SIGHUP', () => force.order('reload'))
  const { port, admin } = force.ports!
  const pages = admin.map((each) => `http://${inUrl(adminHost)}:${each}`).join(', ')
  process.stdout.write(
    `sluice: http://${inUrl(host)}:${port} -> ${describeUpstreams(config)}, ${describeGatewayPlan(config)}; ` +
      `${workers} workers (${force.pids.join(', ')}), page, health and metrics of each on ${pages}\n`,
  )
}

/** The plan as one of several processes has it: with an admin port of its own. */
export function planOfWorker(plan: GatewayPlan, { number }: OwnWorker): GatewayPlan {
  const { adminPort } = plan.listen
  return { ...plan, listen: { ...plan.listen, adminPort: adminPort === 0 ? 0 : adminPort + number - 1 } }
}

/** Does what the first process says. A terminal tells its signals to all of a group: they are for the first one. */
export function obey(worker: OwnWorker, gateway: Gateway, reload: () => unknown): void {
  endOnSignal(gateway, () => gateway.plan.listen.drainTimeout, ['SIGTERM'])
  process.on('SIGINT', () => {}).on('SIGHUP', () => {})
  worker.onOrder((order) => {
    if (order === 'reload') reload()
    else process.emit('SIGTERM', 'SIGTERM')
  })
  worker.report({ kind: 'listening', port: gateway.port, adminPort: gateway.adminPort })
}

function say(line: string): void {
  process.stderr.write(`sluice: ${line}\n`)
}

function inUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}
