import cluster from 'node:cluster'
import type { Order, Report } from './message.ts'

/** What a process knows of being one of several. */
export interface OwnWorker {
  /** From 1. A process that follows another has its number. */
  readonly number: number
  readonly workers: number
  /** What they share goes by this name. */
  readonly name: string
  report(report: Report): void
  /** Called for each order; `drain` also when the first process is gone. */
  onOrder(told: (order: Order) => void): void
}

/** `undefined` in a process that is no worker. */
export function ownWorker(): OwnWorker | undefined {
  if (!cluster.isWorker) return undefined
  const [number = 1, workers = 1] = (process.env['SLUICE_WORKER'] ?? '').split('/').map(Number)
  return {
    number,
    workers,
    name: nameOf(process.ppid),
    report: (report) => void process.send?.(report),
    onOrder(told) {
      process.on('message', told)
      process.on('disconnect', () => told('drain'))
    },
  }
}

/** Of what the workers of a process share. */
export function nameOf(pid: number): string {
  return `gateway-${pid}`
}
