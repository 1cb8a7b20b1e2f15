import cluster from 'node:cluster'
import type { GatewayPlan } from '../config/index.ts'
import type { Order, Report } from './message.ts'

/** What a process knows of being one of several. */
export interface OwnWorker {
  /** From 1. A process that follows another has its number. */
  readonly number: number
  readonly workers: number
  /** What they share goes by this name. */
  readonly name: string
  report(report: Report): void
  /** Asks for the plan, once. */
  plan(): Promise<GatewayPlan>
  /** Says nothing any more and hears nothing: it will not be one of them. */
  leave(): void
  /** Called for each order; `drain` also when the first process is gone. */
  onOrder(told: (order: Order) => void): void
}

/** `undefined` in a process that is no worker. */
export function ownWorker(): OwnWorker | undefined {
  if (!cluster.isWorker) return undefined
  // Else it would end in the middle of its work when the first process is gone.
  cluster.worker!.exitedAfterDisconnect = true
  const [number = 1, workers = 1] = (process.env['SLUICE_WORKER'] ?? '').split('/').map(Number)
  const report = (told: Report): void => {
    // The first process may be gone: then there is nobody to tell.
    if (process.connected) process.send!(told, undefined, undefined, () => {})
  }
  return {
    number,
    workers,
    name: nameOf(process.ppid),
    report,
    async plan() {
      const served = new Promise<GatewayPlan>((resolve) => {
        const told = (order: Order): void => {
          if (order.kind !== 'serve') return
          process.off('message', told)
          resolve(order.plan)
        }
        process.on('message', told)
      })
      report({ kind: 'ready' })
      return await served
    },
    leave: () => process.disconnect(),
    onOrder(told) {
      process.on('message', told)
      process.on('disconnect', () => told({ kind: 'drain' }))
    },
  }
}

/** Of what the workers of a process share. */
export function nameOf(pid: number): string {
  return `gateway-${pid}`
}
