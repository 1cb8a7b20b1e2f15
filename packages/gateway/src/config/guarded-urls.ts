import { fieldOf, type Problem } from './problem.ts'
import type { GatewayPlan } from './gateway-plan.ts'

/** Something the gateway connects to by itself, and may only where that is no link-local or metadata address. */
export interface GuardedUrl {
  readonly path: readonly (string | number)[]
  readonly url: URL
  /** Completes "expected …". */
  readonly expected: string
}

/** All of them that a plan has, without those where it allows everything. */
export function guardedUrls({ upstreams, tenants }: GatewayPlan): readonly GuardedUrl[] {
  const found: GuardedUrl[] = []
  const add = (url: string, path: GuardedUrl['path'], owner: string): void => {
    const expected = `an address that is neither link-local nor of cloud metadata, or ${owner}.allowLinkLocal: true`
    found.push({ path, url: new URL(url), expected })
  }
  for (const [name, { servers, allowLinkLocal }] of Object.entries(upstreams)) {
    if (allowLinkLocal) continue
    const path = ['upstreams', name]
    for (const [index, { url }] of servers.entries()) add(url, [...path, 'servers', index, 'url'], fieldOf(path))
  }
  if (tenants?.from === 'jwt' && tenants.jwks !== undefined && !tenants.allowLinkLocal)
    add(tenants.jwks, ['tenants', 'jwks'], 'tenants')
  return found
}

/** What is wrong with one, where no file says where it stands. */
export function linkLocalProblem({ path, url, expected }: GuardedUrl): Problem {
  return { place: '', field: fieldOf(path), got: JSON.stringify(url.href), expected }
}
