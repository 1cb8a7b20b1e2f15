import { createHmac, randomBytes } from 'node:crypto'
import type { TenantsConfig } from '../config/index.ts'

const RANDOM = randomBytes(16)

/** How a tenant is called where people see it: ten hexadecimal digits, unless the configuration says names. */
export function labels(config: TenantsConfig | undefined): (tenant: string | undefined) => string {
  if (config === undefined) return () => ''
  if (config.labels === 'name') return (tenant = '') => tenant
  const salt = config.salt ?? RANDOM
  return (tenant) => (tenant === undefined ? '' : createHmac('sha256', salt).update(tenant).digest('hex').slice(0, 10))
}
