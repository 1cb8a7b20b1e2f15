export { MachineStore, type LimitStore } from './machine-store.ts'
export { ownWorker, type OwnWorker } from './own-worker.ts'
export { Workforce, type WorkforceOptions } from './workforce.ts'
