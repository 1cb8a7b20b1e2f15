import { createHash } from 'node:crypto'
import type { TenantsConfig } from '../config/index.ts'
import type { Identity } from './identity.ts'

type ApiKeys = Extract<TenantsConfig, { readonly from: 'api-key' }>['keys']

/** A key longer than any in the table is no key. */
const LONGEST = 400

/**
 * Keys and whose they are. Looked up by their hash, so that the time it takes tells nothing about how much of a guess was
 * right, and no key is kept.
 */
export function apiKeys(keys: ApiKeys): (key: string) => Identity | undefined {
  const known = new Map<string, Identity>()
  for (const [tenant, { key, role }] of Object.entries(keys)) {
    const hash = key.startsWith('sha256:') ? key.slice('sha256:'.length) : hashOf(key)
    known.set(hash, { tenant, roles: role === undefined ? [] : [role] })
  }
  return (key) => (key.length > LONGEST ? undefined : known.get(hashOf(key)))
}

function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('hex')
}
