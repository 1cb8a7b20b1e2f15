import { rawUpstream } from './raw-upstream.ts'
import { undiciUpstream, type UndiciUpstreamOptions } from './undici-upstream.ts'
import type { Upstream } from './upstream.ts'

/**
 * The client for one upstream: the raw one, or undici's where `SLUICE_UPSTREAM_CLIENT` is `undici`: the way out for
 * whoever meets an upstream that the strict one refuses.
 */
export function upstreamClient(options: UndiciUpstreamOptions): Upstream {
  return process.env['SLUICE_UPSTREAM_CLIENT'] === 'undici' ? undiciUpstream(options) : rawUpstream(options)
}
