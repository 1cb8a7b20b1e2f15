export { FleetStore } from './fleet-store.ts'
