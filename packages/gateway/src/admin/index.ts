export { admin, type AdminOptions } from './admin.ts'
