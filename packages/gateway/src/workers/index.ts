export { MachineStore, type LimitStore } from './machine-store.ts'
export type { Applied, Order, WorkerFigures } from './message.ts'
export { startWorkers, type StartWorkersOptions, type Workers } from './start-workers.ts'
export { ownWorker, type OwnWorker } from './own-worker.ts'
