export { identification, type Identify } from './identify.ts'
export { ANYBODY, type Identity, type Unknown } from './identity.ts'
export { labels } from './label.ts'
export { TopTenants, type TopTenant } from './top-tenants.ts'
