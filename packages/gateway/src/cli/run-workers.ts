import { ConfigProblems, inWords, type GatewayPlan } from '../config/index.ts'
import type { Gateway } from '../gateway.ts'
import { startWorkers, type Applied, type Order, type OwnWorker } from '../workers/index.ts'
import { endOnSignal, type Ends } from './end-on-signal.ts'
import { gatewayEnds } from './gateway-ends.ts'
import { lookAround } from './look-around.ts'
import { obeyHangUp, reload } from './reload.ts'
import { say } from './say.ts'
import { sayStart } from './say-start.ts'

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
  const ordered = new AbortController()
  const all = await startWorkers({ plan, workers, say, file, read, onDrain: () => ordered.abort() })
  if (typeof all === 'number') process.exit(all)
  const ends: Ends = {
    drain(why) {
      say(`${why}: ${workers} workers end, each within ${inWords(all.plan.listen.drainTimeout)}`)
      void all.end('drain').then((code) => process.exit(code))
    },
    end: () => void all.end('end'),
  }
  endOnSignal(ends, ordered.signal)
  obeyHangUp(read && ((): void => void reload(all, file, read)))
  sayStart(plan, all, all.pids)
  await lookAround(plan, say)
}

/**
 * Does what the first process says. A terminal tells its signals to all of a group: they are for the first one. A service
 * manager may tell all of them to end, which each is told by the first one as well.
 */
export function obey(worker: OwnWorker, gateway: Gateway): void {
  const ends = gatewayEnds(gateway)
  const ordered = new AbortController()
  endOnSignal(ends, ordered.signal, ['SIGTERM'])
  process.on('SIGINT', () => {}).on('SIGHUP', () => {})
  worker.onOrder((order) => {
    if (order.kind === 'drain') ordered.abort()
    else if (order.kind === 'end') ends.end('SIGTERM')
    else void carryOut(order, worker, gateway)
  })
  worker.report({ kind: 'listening', port: gateway.port })
}

async function carryOut(order: Order, worker: OwnWorker, gateway: Gateway): Promise<void> {
  if (order.kind === 'apply')
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
