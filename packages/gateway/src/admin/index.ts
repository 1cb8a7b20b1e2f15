export { admin, type AdminOptions } from './admin.ts'
export type { Phase } from './readiness.ts'
